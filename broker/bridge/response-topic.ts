/**
 * Where the bridge may send a reply (MQTT 5, response topic). The sender of a command chooses the topic, and the bridge's own rights
 * on the server are usually wider than the sender's: it must not be made to publish a command, a device's state, its own status or a
 * discovery message. Pure.
 */

export interface ResponseRules {
  readonly baseTopic: string;
  /** Of Home Assistant's discovery. */
  readonly discoveryPrefix: string;
}

/** Topic and correlation data are kept with the command, in memory and on disk. */
export const REPLY_LIMITS = { topicBytes: 1024, correlationBytes: 1024 } as const;

/** What is wrong with a response topic, in a sentence; null: nothing. `own`: where the result goes anyway. */
export function wrongResponseTopic(topic: string, own: string, rules: ResponseRules): string | null {
  if (topic === '') return 'The response topic is empty.';
  if (Buffer.byteLength(topic) > REPLY_LIMITS.topicBytes) {
    return `The response topic has more than ${REPLY_LIMITS.topicBytes} bytes.`;
  }
  if (/[+#\0]/.test(topic)) return 'The response topic has a wildcard or NUL in it (MQTT 5, 3.3.2.3.5).';
  if (topic.startsWith('$')) return "The response topic begins with $, which is the server's.";
  if (isBelow(topic, rules.baseTopic) && topic !== own) {
    return `The response topic is under ${rules.baseTopic}/, which is the bridge's own; only ${own} is allowed there.`;
  }
  if (isBelow(topic, rules.discoveryPrefix)) {
    return `The response topic is under ${rules.discoveryPrefix}/, where Home Assistant looks for devices.`;
  }
  return null;
}

function isBelow(topic: string, prefix: string): boolean {
  return prefix !== '' && (topic === prefix || topic.startsWith(`${prefix}/`));
}
