/** The C of PROTOCOL.md writes and reads the bytes of the vectors, and bears every damage to them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseBrokerFrame } from '../../broker/wire/broker-frames.ts';
import { encode } from '../../broker/wire/cbor.ts';
import { type BrokerFrame, FRAME } from '../../broker/wire/frames.ts';
import { fromHex, type Vector, vectors } from '../helpers/vectors.ts';
import { blocks } from './page.ts';

const compiler = spawnSync('cc', ['--version']).status === 0;
const WARNINGS = ['-std=c99', '-Wall', '-Wextra', '-Werror'];
const SANITIZERS = ['-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

/** What a device does with the page's functions: writes what it is asked for, reads what comes as hexadecimal lines. */
const MAIN = `
#include <stdio.h>
#include <stdlib.h>

static void show(const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size; at++) printf("%02x", bytes[at]);
}

static void show_part(const char *name, struct span s)
{
    printf(" %s=", name);
    show(s.bytes, s.size);
}

static void show_number(const char *name, uint64_t n) { printf(" %s=%llu", name, (unsigned long long)n); }

static int written(void)
{
    uint8_t b[64];
    static const uint8_t id[] = { 'c', '-', '1' };
    show(b, telemetry(b, sizeof b, 1, 21.5));
    printf("\\n");
    show(b, hello(b, sizeof b, 4711, 1024));
    printf("\\n");
    show(b, result(b, sizeof b, id, sizeof id, 1));
    printf("\\n");
    return telemetry(b, 10, 1, 21.5) == 0 && hello(b, 8, 1, 256) == 0 && result(b, 5, id, 3, 3) == 0 ? 0 : 1;
}

static void print(int outcome, const struct frame *f)
{
    double percent = -1;
    printf("%d", outcome);
    if (outcome != 1) {
        printf("\\n");
        return;
    }
    show_number("kind", f->kind);
    if (f->kind == WELCOME) {
        show_number("time", f->time);
        show_number("keepalive", f->keepalive);
        show_number("frameBytes", f->frame_bytes);
        show_number("window", f->window);
    } else if (f->kind == ACK) show_number("seq", f->seq);
    else if (f->kind == COMMAND) {
        show_part("id", f->id);
        show_part("name", f->name);
        show_part("args", f->args);
        show_number("ttl", f->ttl);
        if (is(f->name, "valve.open") && number(f->args, "percent", &percent)) printf(" percent=%g", percent);
    } else if (f->kind == DESIRED) {
        show_number("version", f->version);
        show_part("values", f->values);
    } else {
        show_part("code", f->code);
        show_part("message", f->message);
        show_number("seq", f->seq);
        show_part("id", f->id);
    }
    printf("\\n");
}

/** In memory of exactly its size, so that a sanitizer sees a read beyond it. */
static int read_copy(const uint8_t *bytes, size_t size, struct frame *f, int isShown)
{
    uint8_t *copy = malloc(size ? size : 1);
    double ignored;
    if (size) memcpy(copy, bytes, size);
    int outcome = read_frame(copy, size, f);
    if (outcome == 1) {
        number(f->args, "percent", &ignored);
        number(f->values, "interval", &ignored);
    }
    if (isShown) print(outcome, f);
    free(copy);
    return outcome;
}

int main(int argc, char **argv)
{
    static char line[200000];
    static uint8_t bytes[100000];
    struct frame f;
    long taken = 0, cut = 0, changed = 0;
    if (argc > 1 && strcmp(argv[1], "write") == 0) return written();
    while (fgets(line, sizeof line, stdin)) {
        size_t size = strcspn(line, "\\n") / 2;
        for (size_t at = 0; at < size; at++) {
            unsigned byte;
            sscanf(line + 2 * at, "%2x", &byte);
            bytes[at] = (uint8_t)byte;
        }
        if (read_copy(bytes, size, &f, 1) == 1) taken++;
        for (size_t length = 0; size < 1000 && length < size; length++)
            if (read_copy(bytes, length, &f, 0) == -1) cut++;
        for (size_t at = 0; size < 1000 && at < size; at++) {
            uint8_t before = bytes[at];
            for (int byte = 0; byte < 256; byte++, changed++) {
                bytes[at] = (uint8_t)byte;
                read_copy(bytes, size, &f, 0);
            }
            bytes[at] = before;
        }
    }
    printf("taken=%ld cut=%ld changed=%ld\\n", taken, cut, changed);
    return 0;
}`;

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const text = (value: string) => hex(Buffer.from(value));

/** As the program prints it. */
function line(frame: BrokerFrame | null): string {
  if (!frame) return '0';
  switch (frame.kind) {
    case FRAME.welcome: {
      const { time, keepalive, limits } = frame;
      return `1 kind=16 time=${time} keepalive=${keepalive} frameBytes=${limits.frameBytes} window=${limits.window}`;
    }
    case FRAME.ack:
      return `1 kind=17 seq=${frame.seq}`;
    case FRAME.command: {
      const { id, name, args, ttl } = frame;
      const percent = name === 'valve.open' ? ` percent=${(args as { percent: number }).percent}` : '';
      return `1 kind=18 id=${text(id)} name=${text(name)} args=${hex(encode(args))} ttl=${ttl}${percent}`;
    }
    case FRAME.desired:
      return `1 kind=19 version=${frame.version} values=${hex(encode(frame.values))}`;
    default: {
      const { code, message, seq, commandId } = frame;
      return `1 kind=20 code=${text(code)} message=${text(message)} seq=${seq ?? 0} id=${text(commandId ?? '')}`;
    }
  }
}

describe.runIf(compiler)('the C of PROTOCOL.md (needs a C compiler)', () => {
  let folder = '';
  let program = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-test-'));
    const source = join(folder, 'device.c');
    writeFileSync(source, `${blocks('c').join('\n')}${MAIN}`);
    program = join(folder, 'device');
    const compile = (...flags: string[]) => spawnSync('cc', [...WARNINGS, ...flags, '-o', program, source]);
    if (compile(...SANITIZERS).status === 0 && spawnSync(program, ['write']).status === 0) return;
    const { status, stderr } = compile();
    if (status !== 0) throw new Error(String(stderr));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const read = (frames: readonly string[]) =>
    execFileSync(program, { input: `${frames.join('\n')}\n`, encoding: 'utf8' })
      .trim()
      .split('\n');

  it('writes the bytes of the vectors', () => {
    const out = execFileSync(program, ['write'], { encoding: 'utf8' }).trim().split('\n');
    const named = (part: string) =>
      vectors('device-frames').find(({ name }: Vector) => name?.startsWith(part))?.hex;
    expect(out).toEqual([
      named('telemetry by name, measured on arrival'),
      named('hello of a device that can receive 1,024 bytes'),
      named('result: accepted'),
    ]);
  });

  it('reads what the broker sends, takes none of it cut off, and bears every byte of it changed', () => {
    const frames = vectors('broker-frames').map((vector) => vector.hex);
    const lines = read(frames);
    expect(lines.slice(0, -1)).toEqual(frames.map((frame) => line(parseBrokerFrame(fromHex(frame)))));
    const bytes = frames.join('').length / 2;
    expect(lines.at(-1)).toBe(`taken=${frames.length} cut=${bytes} changed=${bytes * 256}`);
  });

  it.each([
    ['elements of a later version', '83110518f5', '1 kind=17 seq=5'],
    ['a frame of a later version', '82181563616263', '0'],
    ['a frame of a device', '840101f6a0', '0'],
    ['a seq as a float', '8211fb4038000000000000', '1 kind=17 seq=24'],
    ['nothing', '', '-1'],
    ['bytes after the item', '82110500', '-1'],
    ['a text of 2^64-1 bytes', '83147bffffffffffffffff61', '-1'],
    ['a map of 2^63 pairs', '831303bb8000000000000000', '-1'],
    ['an array of 2^64-1 elements', '9bffffffffffffffff1105', '-1'],
    ['a negative seq', '821120', '-1'],
    ['an indefinite length', '9f1105ff', '-1'],
    ['a tag', '8211c105', '-1'],
    ['a welcome without limits', '8210a26474696d65016a6b656570616c697665181e', '-1'],
    ['a thousand arrays in each other', `8313${'03'}${'81'.repeat(1000)}00`, '-1'],
  ])('reads %s as the page says', (_what, frame, expected) => {
    expect(read([frame])[0]).toBe(expected);
  });
});
