/** The button that cancels everything that the device has not accepted yet. Owns that button. */
import type { CommandView } from '../../schemas/api.ts';
import { element, setText } from '../dom.ts';
import type { DeviceApi } from './device-api.ts';

export class CancelWaiting {
  private readonly button = element<HTMLButtonElement>('cancel-waiting');
  private api: DeviceApi | null = null;

  /** `done`: the list is to be read again. `failed`: with a sentence for the person. */
  constructor(done: () => void, failed: (problem: string) => void) {
    this.button.addEventListener('click', () => {
      const { api } = this;
      if (!api || this.button.disabled) return;
      this.button.disabled = true;
      api
        .cancelWaiting()
        .then(done, (error: Error) => {
          if (this.api === api) failed(error.message);
        })
        .finally(() => {
          this.button.disabled = false;
        });
    });
  }

  /** null: the person may not. */
  show(api: DeviceApi | null): void {
    this.api = api;
    this.button.hidden = true;
  }

  /** One that waits has a button of its own. */
  draw(commands: readonly CommandView[]): void {
    const waiting = commands.filter(({ status }) => status === 'queued' || status === 'written').length;
    this.button.hidden = this.api === null || waiting < 2;
    setText(this.button, `Cancel ${waiting} waiting`);
  }
}
