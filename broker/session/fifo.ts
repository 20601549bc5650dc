/** A queue whose ends cost the same at any length: what left stays in the array until half of it is gone. */
export class Fifo<Item> {
  private items: Item[] = [];
  private next = 0;

  get size(): number {
    return this.items.length - this.next;
  }

  push(item: Item): void {
    this.items.push(item);
  }

  shift(): Item | undefined {
    if (this.next === this.items.length) return undefined;
    const item = this.items[this.next];
    this.next += 1;
    if (this.next === this.items.length) this.items.length = this.next = 0;
    else if (this.next >= 64 && this.next * 2 >= this.items.length) this.compact();
    return item;
  }

  private compact(): void {
    this.items = this.items.slice(this.next);
    this.next = 0;
  }
}
