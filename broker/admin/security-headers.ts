/**
 * Tells browsers with every answer to load nothing from elsewhere, frame nothing and guess nothing. Holds the content
 * security policies of data, of the dashboard's pages and of the API's readable page.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Answers that are data load nothing at all. */
const DATA = "default-src 'none'; frame-ancestors 'none'";

/** `'self'` covers the live channel: it is of the same origin. Styles are set by scripts on elements (charts). */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** The API's readable page writes styles into its markup. */
export const DOCS_POLICY = PAGE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");

/** What browsers are told about every answer: load nothing from elsewhere, frame nothing, guess nothing. */
export async function securityHeaders(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.headers({
    'content-security-policy': DATA,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  });
}
