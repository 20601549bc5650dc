/** The digest of a trace, line by line. Hashes large pieces, since small ones cost more than their bytes. Owns the piece that is open. */
import { createHash } from 'node:crypto';

const PIECE = 64 * 1024;

export class TraceDigest {
  private readonly hash = createHash('sha256');
  private readonly piece = Buffer.alloc(PIECE);
  private length = 0;

  add(time: number, who: string, what: string, detail: string | Uint8Array): void {
    this.reserve(8);
    this.length = this.piece.writeDoubleLE(time, this.length);
    this.addText(who);
    this.addText(what);
    if (typeof detail === 'string') this.addText(detail);
    else this.addBytes(detail);
  }

  /** Of everything so far. */
  hex(): string {
    return this.hash.copy().update(this.piece.subarray(0, this.length)).digest('hex');
  }

  private addText(text: string): void {
    if (text.length * 3 + 1 > PIECE) {
      this.addBytes(Buffer.from(text));
      return;
    }
    this.reserve(text.length * 3 + 1);
    this.length += this.piece.write(text, this.length);
    this.piece[this.length] = 0;
    this.length += 1;
  }

  private addBytes(bytes: Uint8Array): void {
    this.reserve(4 + bytes.length);
    if (bytes.length + 4 > PIECE) this.hash.update(String(bytes.length)).update(bytes);
    else {
      this.length = this.piece.writeUInt32LE(bytes.length, this.length);
      this.piece.set(bytes, this.length);
      this.length += bytes.length;
    }
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= PIECE) return;
    this.hash.update(this.piece.subarray(0, this.length));
    this.length = 0;
  }
}
