/** How a simulation goes: one line that renews itself on a terminal, JSON lines with --json, else nothing. */
import { progressLine, type Report } from '../../device-sim/report.ts';

/** Returns the function that ends it and cleans the line up. */
export function showProgress(report: () => Report, { json }: { readonly json?: boolean }): () => void {
  if (json) {
    const timer = setInterval(() => console.log(JSON.stringify({ type: 'progress', ...report() })), 1000);
    return () => clearInterval(timer);
  }
  const { stderr } = process;
  if (!stderr.isTTY) return () => {};
  const timer = setInterval(() => {
    stderr.write(`\r${progressLine(report()).slice(0, stderr.columns - 1)}\x1b[K`);
  }, 250);
  return () => {
    clearInterval(timer);
    stderr.write('\r\x1b[K');
  };
}
