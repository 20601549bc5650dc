import type { CommandQuery, CommandRow, CommandStore } from '../../broker/store/command-ports.ts';
export class MemoryDatabase implements CommandStore {
  rows = new Map<string, CommandRow>();
  async start() {}
  async *loadOpenCommands() {
    yield [...this.rows.values()].filter((r) => r.endedAt === null).sort((a, b) => a.number - b.number);
  }
  async lastCommandNumber() {
    return Math.max(0, ...[...this.rows.values()].map((r) => r.number));
  }
  async findCommands(customer: string, id: string) {
    return [...this.rows.values()].filter(
      (r) => r.id === id && (customer === '*' || r.customer === customer),
    );
  }
  async listCommands(q: CommandQuery) {
    return [...this.rows.values()]
      .filter(
        (r) =>
          (q.customer === '*' || r.customer === q.customer) &&
          (!q.device || r.device === q.device) &&
          (!q.job || r.job === q.job) &&
          (q.before === null || r.number < q.before),
      )
      .sort((a, b) => b.number - a.number)
      .slice(0, q.limit);
  }
  async saveCommands(rows: readonly CommandRow[]) {
    for (const r of rows) this.rows.set(`${r.customer}/${r.id}`, r);
  }
  async deleteEndedCommands() {
    return 0;
  }
}
