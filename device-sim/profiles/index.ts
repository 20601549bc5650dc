/** The profiles by name. */
import type { Profile } from './profile.ts';
import { pump } from './pump.ts';
import { thermostat } from './thermostat.ts';
import { tracker } from './tracker.ts';
import { vibration } from './vibration.ts';

export const PROFILES = { pump, thermostat, tracker, vibration } as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof PROFILES;

export const PROFILE_NAMES = Object.keys(PROFILES) as ProfileName[];
