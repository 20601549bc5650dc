/** Gathers fragments into one message of about a given size, so that no message is long. */
export class Page {
  private readonly limit: number;
  private fragments: string[] = [];
  private characters = 0;

  /** `limit`: characters; the fragment that reaches it is still taken. */
  constructor(limit: number) {
    this.limit = limit;
  }

  add(fragment: string): void {
    this.fragments.push(fragment);
    this.characters += fragment.length;
  }

  get full(): boolean {
    return this.characters >= this.limit;
  }

  get empty(): boolean {
    return this.fragments.length === 0;
  }

  /** The message, in UTF-8, and an empty page. `head`: its members before the list, which is called `list`. */
  take(head: string, list: 'devices' | 'events' | 'commands'): Buffer {
    const message = Buffer.from(`{${head},"${list}":[${this.fragments.join(',')}]}`);
    this.fragments = [];
    this.characters = 0;
    return message;
  }
}
