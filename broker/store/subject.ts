/**
 * What a subject of the database is (keys, commands, the audit …): an interface of synchronous methods over its SQL, with
 * the kind of each. The port that other rooms see is derived: the same methods, each answered with a promise.
 */

/**
 * What a method does to what is stored. `read`: nothing. `kept`: it stores what no log brings back, so its commits are
 * counted in the mark (store/mark.ts). `repeatable`: a replay of the log brings it back, or it is done again anyway.
 */
export type MethodKind = 'read' | 'kept' | 'repeatable';

/** The kind of each method of a subject; a function of its arguments where it depends on them. */
export type MethodKinds<Methods> = {
  readonly [Name in keyof Methods]: Methods[Name] extends (...args: infer Args) => unknown
    ? MethodKind | ((...args: Args) => MethodKind)
    : never;
};

/** The methods of a subject as other rooms call them; they need no `this`. */
export type Port<Methods> = {
  [Name in keyof Methods]: Methods[Name] extends (...args: infer Args) => infer Value
    ? (...args: Args) => Promise<Value>
    : never;
};

/** Rows of devices are in the order of customer, then device. */
export interface DeviceName {
  readonly customer: string;
  readonly device: string;
}

/** Some of the rows that were asked for, in their order; `next` asks for those that follow, null: there are none. */
export interface RowPage<Row, Next> {
  readonly items: readonly Row[];
  readonly next: Next | null;
}

/** Every page of a listing, from the first one; `load` is asked again with each page's `next`. */
export async function* everyPage<Row, Next>(
  load: (after: Next | null) => Promise<RowPage<Row, Next>>,
): AsyncGenerator<readonly Row[]> {
  let after: Next | null = null;
  do {
    const page: RowPage<Row, Next> = await load(after);
    yield page.items;
    after = page.next;
  } while (after !== null);
}
