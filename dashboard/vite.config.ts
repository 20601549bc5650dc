/** Builds the dashboard into dist/dashboard, from where the broker serves it. */
import { join } from 'node:path';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  build: {
    outDir: join(import.meta.dirname, '../dist/dashboard'),
    emptyOutDir: true,
    target: 'es2022',
    // The page's policy lets nothing inline run (Content-Security-Policy of the broker).
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
