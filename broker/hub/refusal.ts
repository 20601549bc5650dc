/** A request that the hub turns down: the API answers it as a problem, the bridge as an error result, and so on. */
import type { ProblemCode } from '../../schemas/problems.ts';

export class HubRefusal extends Error {
  override readonly name = 'HubRefusal';
  readonly code: ProblemCode;
  /** The configuration value that refused, such as `commands.argsBytes`. */
  readonly limit: string | null;
  /** Seconds after which it is worth another try; null: not known. */
  readonly retryAfter: number | null;

  /** `detail`: one sentence that says what it was and what to do. `extra`: the limit, or what else is known. */
  constructor(
    code: ProblemCode,
    detail: string,
    extra: string | { readonly limit?: string; readonly retryAfter?: number } | null = null,
  ) {
    super(detail);
    const { limit = null, retryAfter = null } = typeof extra === 'string' ? { limit: extra } : (extra ?? {});
    this.code = code;
    this.limit = limit;
    this.retryAfter = retryAfter;
  }
}
