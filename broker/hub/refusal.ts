/** A wish that the hub turns down: the API answers it as a problem, the bridge as an error result, and so on. */
import type { ProblemCode } from '../../schemas/problems.ts';

export class HubRefusal extends Error {
  override readonly name = 'HubRefusal';
  readonly code: ProblemCode;
  /** The configuration value that refused, such as `commands.argsBytes`. */
  readonly limit: string | null;

  /** `detail`: one sentence that says what it was and what to do. */
  constructor(code: ProblemCode, detail: string, limit: string | null = null) {
    super(detail);
    this.code = code;
    this.limit = limit;
  }
}
