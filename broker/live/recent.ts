/** The last few things that happened, for viewers that fell behind. Owns a list bounded in number and characters. */
export class Recent<Item extends { readonly rev: number; readonly characters: number }> {
  private readonly limits: { readonly items: number; readonly characters: number };
  private readonly items: Item[] = [];
  private characters = 0;
  /** The newest revision that fell out. */
  private droppedTo = 0;

  constructor(limits: { readonly items: number; readonly characters: number }) {
    this.limits = limits;
  }

  /** Revisions rise from call to call. The newest item is kept whatever its size. */
  add(item: Item): void {
    this.items.push(item);
    this.characters += item.characters;
    while (this.items.length > this.limits.items || this.characters > this.limits.characters) {
      if (this.items.length === 1) return;
      const dropped = this.items.shift() as Item;
      this.characters -= dropped.characters;
      this.droppedTo = dropped.rev;
    }
  }

  /** The newest revision held; 0: nothing. */
  get newest(): number {
    return this.items.at(-1)?.rev ?? 0;
  }

  /** Whether nothing after `rev` has fallen out. */
  holdsAllAfter(rev: number): boolean {
    return rev >= this.droppedTo;
  }

  /** What is held of after `rev`, oldest first. */
  after(rev: number): readonly Item[] {
    let from = this.items.length;
    while (from > 0 && (this.items[from - 1] as Item).rev > rev) from -= 1;
    return this.items.slice(from);
  }
}
