/**
 * What a metric means to Home Assistant: its unit, its device class and its state class. Configured as
 * `temp=°C:temperature` (`mqtt.homeAssistantMetrics`, for every device), or declared by the device in hello's `meta` as
 * `unit:temp` and `class:temp`, which goes before. Pure.
 */
import type { ValueMap } from '../../wire/frames.ts';

export interface MetricMetadata {
  readonly unit: string | null;
  /** Such as `temperature`; Home Assistant knows which there are. */
  readonly deviceClass: string | null;
  /** `measurement`, `total` or `total_increasing`; null: `measurement` for numbers. */
  readonly stateClass: string | null;
}

/** `metric=unit:device class:state class`, each of the three may be empty. Held by schemas/config.ts. */
const CONFIGURED = /^([A-Za-z_][A-Za-z0-9_.-]{0,63})=([^:]*)(?::([a-z_]*))?(?::([a-z_]*))?$/;

const NOTHING: MetricMetadata = { unit: null, deviceClass: null, stateClass: null };

/** Lines that are none are left out; the configuration refuses them before. */
export function configuredMetadata(lines: readonly string[]): ReadonlyMap<string, MetricMetadata> {
  return new Map(
    lines.flatMap((line) => {
      const [, metric, unit, deviceClass, stateClass] = CONFIGURED.exec(line) ?? [];
      if (metric === undefined) return [];
      const one = { unit: text(unit), deviceClass: text(deviceClass), stateClass: text(stateClass) };
      return [[metric, one] as const];
    }),
  );
}

/** `meta`: of the device's hello. */
export function metadataOf(
  metric: string,
  configured: ReadonlyMap<string, MetricMetadata>,
  meta: ValueMap | null,
): MetricMetadata {
  const { unit, deviceClass, stateClass } = configured.get(metric) ?? NOTHING;
  return {
    unit: text(meta?.[`unit:${metric}`]) ?? unit,
    deviceClass: text(meta?.[`class:${metric}`]) ?? deviceClass,
    stateClass,
  };
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
