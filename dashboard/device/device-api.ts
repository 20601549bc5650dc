/** What the page of a device asks of the HTTP API. */
import type { CommandView, DeviceSummary, Documents, NewCommand } from '../../schemas/api.ts';
import { ask } from '../api.ts';

export interface CommandPage {
  readonly items: readonly CommandView[];
  readonly next: string | null;
}

export class DeviceApi {
  private readonly path: string;
  private readonly customer: string;
  private readonly signal: AbortSignal;

  /** `device`: `customer/id`, as the address names it, so it needs no escaping (P-1.4). `signal`: ends everything. */
  constructor(device: string, signal: AbortSignal) {
    this.path = `/devices/${device}`;
    this.customer = device.slice(0, device.indexOf('/'));
    this.signal = signal;
  }

  summary(): Promise<DeviceSummary> {
    return ask(this.path, { signal: this.signal });
  }

  /** Newest first. */
  commands(limit: number): Promise<CommandPage> {
    return ask(`${this.path}/commands?limit=${limit}`, { signal: this.signal });
  }

  send(request: NewCommand): Promise<CommandView> {
    return ask(`${this.path}/commands`, { method: 'POST', body: request, signal: this.signal });
  }

  cancel(id: string): Promise<CommandView> {
    const path = `/commands/${encodeURIComponent(id)}?customer=${this.customer}`;
    return ask(path, { method: 'DELETE', signal: this.signal });
  }

  /** What the device has accepted goes on. */
  cancelWaiting(): Promise<{ readonly cancelled: number }> {
    return ask(`${this.path}/commands`, { method: 'DELETE', signal: this.signal });
  }

  documents(): Promise<Documents> {
    return ask(`${this.path}/desired`, { signal: this.signal });
  }

  /** Refused with `precondition-failed` if `version` is not the one that is there; 0: there is none. */
  desire(values: Readonly<Record<string, unknown>>, version: number): Promise<Documents> {
    const headers = { 'If-Match': `"${version}"` };
    return ask(`${this.path}/desired`, { method: 'PUT', body: values, headers, signal: this.signal });
  }
}
