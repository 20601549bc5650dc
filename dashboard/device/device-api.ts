/** Asks the HTTP API what the page of a device needs. */
import type { CommandView, DeviceSummary, Documents, NewCommand } from '../../schemas/api.ts';
import { api, ask } from '../api.ts';

export class DeviceApi {
  private readonly params: { readonly path: { readonly customer: string; readonly device: string } };
  private readonly signal: AbortSignal;

  /** `name`: `customer/device`. `signal`: ends everything. */
  constructor(name: string, signal: AbortSignal) {
    const [customer = '', device = ''] = name.split('/');
    this.params = { path: { customer, device } };
    this.signal = signal;
  }

  summary(): Promise<DeviceSummary> {
    const { params, signal } = this;
    return ask(api.GET('/devices/{customer}/{device}', { params, signal }));
  }

  /** Newest first. */
  commands(limit: number): Promise<{ readonly items: readonly CommandView[]; readonly next: string | null }> {
    const { params, signal } = this;
    const page = { ...params, query: { limit } };
    return ask(api.GET('/devices/{customer}/{device}/commands', { params: page, signal }));
  }

  send(body: NewCommand): Promise<CommandView> {
    const { params, signal } = this;
    return ask(api.POST('/devices/{customer}/{device}/commands', { params, body, signal }));
  }

  cancel(id: string): Promise<CommandView> {
    const { customer } = this.params.path;
    const params = { path: { id }, query: { customer } };
    return ask(api.DELETE('/commands/{id}', { params, signal: this.signal }));
  }

  /** What the device has accepted goes on. */
  cancelWaiting(): Promise<{ readonly cancelled: number }> {
    const { params, signal } = this;
    return ask(api.DELETE('/devices/{customer}/{device}/commands', { params, signal }));
  }

  documents(): Promise<Documents> {
    const { params, signal } = this;
    return ask(api.GET('/devices/{customer}/{device}/desired', { params, signal }));
  }

  /** Refused with `precondition-failed` if `version` is not the one that is there; 0: there is none. */
  desire(body: Readonly<Record<string, unknown>>, version: number): Promise<Documents> {
    const params = { ...this.params, header: { 'if-match': `"${version}"` } };
    return ask(api.PUT('/devices/{customer}/{device}/desired', { params, body, signal: this.signal }));
  }
}
