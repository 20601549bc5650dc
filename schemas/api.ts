/**
 * Bodies, queries and answers of the HTTP API: the one source from which the checks, the types and the
 * OpenAPI document come. Times are Unix milliseconds; `null` means never, or not known. Requests are closed (an
 * unknown member is refused), answers may grow.
 */
import { AuditEntrySchema, AuditListSchema } from './api/audit.ts';
import { CancelledSchema, CommandListSchema, CommandSchema, NewCommandSchema } from './api/commands.ts';
import { ProblemSchema } from './api/common.ts';
import { DesiredPatchSchema, DesiredValuesSchema, DocumentsSchema } from './api/desired.ts';
import {
  CustomerListSchema,
  CustomerSchema,
  DeviceListSchema,
  DeviceProfileSchema,
  DeviceSchema,
  StateSchema,
} from './api/devices.ts';
import {
  DryRunSchema,
  JobListSchema,
  JobOutcomeListSchema,
  JobOutcomeSchema,
  JobSchema,
  NewJobSchema,
} from './api/jobs.ts';
import {
  KeyListSchema,
  KeySchema,
  LoginSchema,
  NewKeySchema,
  RotationSchema,
  SessionSchema,
} from './api/keys.ts';
import { StatsSchema } from './api/stats.ts';

export * from './api/audit.ts';
export * from './api/commands.ts';
export * from './api/common.ts';
export * from './api/desired.ts';
export * from './api/devices.ts';
export * from './api/jobs.ts';
export * from './api/keys.ts';
export * from './api/stats.ts';

/** What the OpenAPI document lists under `components.schemas`. */
export const API_SCHEMAS = [
  ProblemSchema,
  CustomerSchema,
  CustomerListSchema,
  DeviceSchema,
  DeviceListSchema,
  DeviceProfileSchema,
  StateSchema,
  KeySchema,
  KeyListSchema,
  NewKeySchema,
  RotationSchema,
  LoginSchema,
  SessionSchema,
  StatsSchema,
  CommandSchema,
  CommandListSchema,
  NewCommandSchema,
  CancelledSchema,
  NewJobSchema,
  DryRunSchema,
  JobSchema,
  JobListSchema,
  JobOutcomeSchema,
  JobOutcomeListSchema,
  DesiredValuesSchema,
  DesiredPatchSchema,
  DocumentsSchema,
  AuditEntrySchema,
  AuditListSchema,
] as const;
