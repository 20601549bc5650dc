/**
 * The HTTP API as types, for openapi-fetch. Generated from the OpenAPI document: change the routes and schemas, and then run
 * `npx vitest run --config test/vitest.config.ts test/admin/generated.test.ts -u`.
 */
export interface paths {
    "/customers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Customers and how many devices they have */
        get: operations["listCustomers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/devices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Devices, filtered and sorted */
        get: operations["listDevices"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/devices/{customer}/{device}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One device */
        get: operations["getDevice"];
        /**
         * Names a device, and makes it known before it first connects
         * @description Commands and desired state wait for it; it is listed with `lastSeenAt` null. Replaces label, tags and notes: what is left out is cleared.
         */
        put: operations["putDevice"];
        post?: never;
        /**
         * Forgets a device
         * @description Ends its connection and removes its state, label, tags and notes. Its keys stay: with one it may come back as new.
         */
        delete: operations["forgetDevice"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/devices/{customer}/{device}/state": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Last-known state: the newest value of every metric */
        get: operations["getDeviceState"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/devices/{customer}/{device}/commands": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Commands of a device, newest first */
        get: operations["listCommands"];
        put?: never;
        /**
         * Sends a command
         * @description The answer comes when the command is stored, not when the device has it: read it again, or follow the live channel.
         */
        post: operations["sendCommand"];
        /**
         * Cancels everything that waits for a device
         * @description What the device has accepted goes on.
         */
        delete: operations["cancelWaitingCommands"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/commands/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One command with its timeline */
        get: operations["getCommand"];
        put?: never;
        post?: never;
        /**
         * Cancels a command
         * @description A device that has it may still do it; what it says then is kept in the timeline, marked as late.
         */
        delete: operations["cancelCommand"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/commands": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sends a command to a group
         * @description With `dryRun` only tells who would get it. Otherwise a job does it, and goes on after a restart.
         */
        post: operations["sendGroupCommand"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Jobs, newest first */
        get: operations["listJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One job and how far it is */
        get: operations["getJob"];
        put?: never;
        post?: never;
        /**
         * Cancels a job
         * @description No further device gets it, and what waits is cancelled; what is accepted goes on.
         */
        delete: operations["cancelJob"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{id}/devices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What became of each device of a job, in the order of their turns */
        get: operations["listJobOutcomes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets a halted job go on */
        post: operations["resumeJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/devices/{customer}/{device}/desired": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Desired and reported state, and the difference
         * @description The ETag is the version of the desired document, `"0"` while there is none.
         */
        get: operations["getDesiredState"];
        /**
         * Replaces the desired state
         * @description A connected device has it a moment later. The ETag is the version of the desired document, `"0"` while there is none.
         */
        put: operations["replaceDesiredState"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Changes the desired state in part
         * @description A JSON merge patch (RFC 7396): null takes a name away. The ETag is the version of the desired document, `"0"` while there is none.
         */
        patch: operations["patchDesiredState"];
        trace?: never;
    };
    "/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The audit, newest first
         * @description Who asked what of whom, and what became of it. An operator reads what concerns its customer.
         */
        get: operations["listAuditEntries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Keys that are valid, oldest first */
        get: operations["listKeys"];
        put?: never;
        /**
         * Creates a key
         * @description A customer exists once a key names it, and so does a device: commands and desired state wait for it from then on.
         */
        post: operations["createKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/keys/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Puts a new key in the place of one
         * @description The old one goes on working for the overlap.
         */
        post: operations["rotateKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revokes a key
         * @description Its connections and logins end within 2 s. An admin revokes its own key with another one.
         */
        delete: operations["revokeKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who the cookie, or the key, stands for */
        get: operations["getSession"];
        put?: never;
        /**
         * Logs a browser in
         * @description Sets the cookie `signalbox_session`. Each use, an open live channel too, renews the login; without one it ends at `expiresAt`. A device key cannot log in.
         */
        post: operations["logIn"];
        /**
         * Logs the browser out
         * @description Its live channels end at once. Also of a login that has already ended.
         */
        delete: operations["logOut"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Devices connected, rates, refusals, log, memory */
        get: operations["getStats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** Problem */
        Problem: {
            /** @description `urn:signalbox:problem:<code>` */
            type: string;
            /** @description What the code means. */
            title: string;
            /** @description The HTTP status. */
            status: number;
            /**
             * @description For programs.
             * @enum {string}
             */
            code: "bad-request" | "bad-subprotocol" | "key-in-url" | "device-missing" | "device-id-invalid" | "unauthorized" | "forbidden" | "device-mismatch" | "origin-refused" | "not-found" | "method-not-allowed" | "conflict" | "precondition-failed" | "args-too-large" | "desired-too-large" | "too-large-for-device" | "body-too-large" | "unsupported-media-type" | "upgrade-required" | "too-many-handshakes" | "too-many-from-address" | "too-many-devices" | "too-many-of-customer" | "too-many-of-key" | "too-many-commands" | "too-many-jobs" | "too-many-requests" | "too-many-connections" | "going-away" | "not-ready" | "store-unavailable" | "internal";
            /** @description What it was this time, and what to do. */
            detail: string;
            /** @description The configuration value that refused. */
            limit?: string;
            /** @description Seconds to wait before the next attempt. */
            retryAfter?: number;
        };
        /** Customer */
        Customer: {
            customer: string;
            /** @description Devices known. */
            devices: number;
            /** @description Devices connected. */
            online: number;
        };
        /** CustomerList */
        CustomerList: {
            items: components["schemas"]["Customer"][];
            /** @description Pass it as `cursor` to get the next page; null: this was the last. */
            next: string | null;
        };
        /** Device */
        Device: {
            /** @description `customer/id` */
            device: string;
            online: boolean;
            /** @description Since when it is connected; null: it is not. Unix ms. */
            connectedAt: number | null;
            /** @description The device went to sleep, as it said, and is not lost (P-7.5). Absent: it is not asleep. */
            asleep?: {
                /** @description When it wants to be back; null: it did not say. Unix ms. */
                until: number | null;
                /** @description From then on it is missed: `until` and a tenth of its sleep. null: never. Unix ms. */
                overdueAt: number | null;
            };
            /** @description Last sign of life, heartbeats included; null: it has never connected. Unix ms. */
            lastSeenAt: number | null;
            /** @description Arrival of the last telemetry or event. Unix ms. */
            lastDataAt: number | null;
            /**
             * @description What the device's own times are worth (P-4.5).
             * @enum {string}
             */
            clock: "ok" | "unset" | "ahead";
            customer: string;
            id: string;
            /** @description As told in hello. */
            model: string | null;
            /** @description As told in hello. */
            firmware: string | null;
            /** @description What people call it. */
            label: string | null;
            tags: string[];
            /** @description What people should know about it. */
            notes: string | null;
            /** @description The last time that the device came or went. */
            presence: {
                /** @enum {string} */
                state: "online" | "offline";
                /** @description The connection that came or went. */
                session: string | null;
                /** @description When it came or went. Unix ms. */
                since: number | null;
                /** @description Why it went (`asleep`: see there); null while online. */
                reason: string | null;
            };
            /** @description How many metrics have a last-known value. */
            metrics: number;
            /** @description As told in hello; null: nothing was. Only in the answer about one device. */
            meta?: {
                [key: string]: string | number | boolean | null;
            } | null;
            /** @description Bytes of the largest frame that it can receive, as told in hello (P-3.2); null: no bound. Only in the answer about one device. */
            maxFrame?: number | null;
        };
        /** DeviceList */
        DeviceList: {
            items: components["schemas"]["Device"][];
            /** @description Pass it as `cursor` to get the next page; null: this was the last. */
            next: string | null;
        };
        /**
         * DeviceProfile
         * @description What is left out is cleared.
         */
        DeviceProfile: {
            /** @description What people call it; at most 64 bytes of UTF-8. */
            label?: string | null;
            /** @description To find it by; each at most 32 bytes of UTF-8. */
            tags?: string[];
            /** @description What people should know about it; at most 1,024 bytes of UTF-8. */
            notes?: string | null;
        };
        /** State */
        State: {
            /** @description `customer/id` */
            device: string;
            online: boolean;
            /** @description Since when it is connected; null: it is not. Unix ms. */
            connectedAt: number | null;
            /** @description The device went to sleep, as it said, and is not lost (P-7.5). Absent: it is not asleep. */
            asleep?: {
                /** @description When it wants to be back; null: it did not say. Unix ms. */
                until: number | null;
                /** @description From then on it is missed: `until` and a tenth of its sleep. null: never. Unix ms. */
                overdueAt: number | null;
            };
            /** @description Last sign of life, heartbeats included; null: it has never connected. Unix ms. */
            lastSeenAt: number | null;
            /** @description Arrival of the last telemetry or event. Unix ms. */
            lastDataAt: number | null;
            /**
             * @description What the device's own times are worth (P-4.5).
             * @enum {string}
             */
            clock: "ok" | "unset" | "ahead";
            /** @description The newest value of every metric (P-4.6). */
            values: {
                [key: string]: {
                    /** @description JSON; a byte string is `{"base64": "…"}`. */
                    value: unknown;
                    /** @description When it was measured. Unix ms, with a fraction if the device sent one. */
                    at: number;
                    /** @description When it arrived. Unix ms. */
                    receivedAt: number;
                };
            };
        };
        /** Key */
        Key: {
            id: string;
            /** @description `*` for an admin. */
            customer: string;
            /** @description The one device that may use it. */
            device?: string;
            /** @enum {string} */
            role: "device" | "viewer" | "operator" | "admin";
            /** @description For people. */
            label?: string;
            /** @description When it was made. Unix ms. */
            createdAt: number;
            /** @description When it ends. Unix ms. */
            expiresAt?: number;
            /** @description When it was last used, to about a minute. Unix ms. */
            lastUsedAt?: number;
            /** @description The secret; only in the answer that creates it. */
            key?: string;
        };
        /** KeyList */
        KeyList: {
            items: components["schemas"]["Key"][];
            /** @description Pass it as `cursor` to get the next page; null: this was the last. */
            next: string | null;
        };
        /** NewKey */
        NewKey: {
            /** @description Whose key it is; `*` or left out for an admin. */
            customer?: string;
            /** @description The one device that may use it; without: the whole fleet of the customer. */
            device?: string;
            /**
             * @description What the key may do; left out: `device`.
             * @enum {string}
             */
            role?: "device" | "viewer" | "operator" | "admin";
            /** @description For people. */
            label?: string;
            /** @description When it ends; without: never. Unix ms. */
            expiresAt?: number;
            /** @description Instead of `expiresAt`: seconds from now; a thousand years at most. */
            expiresIn?: number;
        };
        /** Rotation */
        Rotation: {
            /** @description How long the old key goes on working; left out: 86400, a day. */
            overlapSeconds?: number;
        };
        /**
         * Login
         * @description One of the two.
         */
        Login: {
            /** @description A viewer, operator or admin key. */
            key?: string;
            /** @description A one-time login token. */
            token?: string;
        };
        /** Session */
        Session: {
            /** @description The key that it stands for. */
            keyId: string;
            /** @enum {string} */
            role: "viewer" | "operator" | "admin";
            /** @description `*` for an admin. */
            customer: string;
            /** @description When the login ends if it is not used; in the answer that makes it. Unix ms. */
            expiresAt?: number;
        };
        /** Stats */
        Stats: {
            /** @description When this was read, Unix ms. */
            at: number;
            /** @description The broker's version. */
            version: string;
            /** @description Unix ms. */
            startedAt: number;
            /** @description Since the start. */
            uptimeSeconds: number;
            /** @description Of the caller's customer; of all customers for an admin. */
            devices: {
                /** @description Known. */
                total: number;
                /** @description Connected. */
                online: number;
                /** @description Of the known ones those that have not connected yet. */
                neverSeen: number;
            };
            /** @description The whole broker, all customers together: told to admins only. */
            broker?: {
                /** @description Connections of the live channel now. */
                viewers: number;
                /** @description A second, over the last five seconds. */
                rates: {
                    /** @description Valid frames of devices. */
                    frames: number;
                    /** @description Measurements in them. */
                    samples: number;
                    /** @description Bytes of them. */
                    bytes: number;
                    /** @description Commits of the telemetry log. */
                    commits: number;
                    /** @description Acknowledgements sent. */
                    acks: number;
                };
                /** @description Since the start. */
                totals: {
                    /** @description Valid frames of devices. */
                    frames: number;
                    /** @description Frames that had come before (P-4.3). */
                    repeated: number;
                    /** @description Measurements. */
                    samples: number;
                    /** @description Events (P-2.5). */
                    events: number;
                    /** @description Bytes of valid frames. */
                    bytes: number;
                    /** @description Commits of the telemetry log. */
                    commits: number;
                    /** @description Acknowledgements sent. */
                    acks: number;
                    /** @description Device connections opened. */
                    connections: number;
                    /** @description Connections replaced by a newer one of the same device (P-1.6). */
                    takeovers: number;
                    /** @description Connections of the live channel opened. */
                    viewers: number;
                    /** @description Live updates merged because a viewer was slow. */
                    viewerSkips: number;
                    /** @description Viewers closed because they did not read. */
                    viewersClosedSlow: number;
                };
                /** @description Times that a socket was not read, by reason (P-7.2). */
                pauses: {
                    [key: string]: number;
                };
                /** @description Refused before the upgrade, by problem code (P-1.5). */
                refusals: {
                    [key: string]: number;
                };
                /** @description Error frames sent, by error code (P-8). */
                frameErrors: {
                    [key: string]: number;
                };
                /** @description Device connections ended, by reason (P-7.3). */
                closes: {
                    [key: string]: number;
                };
                /** @description Commands to devices (P-5). */
                commands: {
                    /** @description Commands that are not final. */
                    waiting: number;
                    /** @description Steps that commands have taken since the start, by status. */
                    steps: {
                        [key: string]: number;
                    };
                };
                /** @description The MQTT bridge. */
                bridge: {
                    /**
                     * @description off: no server is configured. waiting: the next attempt comes by itself. failed: the configuration cannot be used.
                     * @enum {string}
                     */
                    state: "off" | "connecting" | "connected" | "waiting" | "failed" | "stopped";
                    /** @description When this state began, Unix ms. */
                    since: number;
                    /** @description The server at hand, without credentials. */
                    peer: string | null;
                    /** @description What is spoken with it. */
                    protocol: ("5" | "3.1.1") | null;
                    /** @description Messages of the log a second, over the last five seconds. */
                    rate: number;
                    /** @description What waits in the log for the peer. */
                    backlog: {
                        /** @description Of the log. */
                        bytes: number;
                        /** @description Estimated by what a message took so far; null: none was sent yet. */
                        messages: number | null;
                        /** @description Age of the oldest frame that the peer does not have. */
                        seconds: number;
                    };
                    /** @description Position in the log; everything before it is with the peer. */
                    cursor: number | null;
                    /** @description Messages that the peer has not acknowledged. */
                    inFlight: number;
                    /** @description Messages of the log that the peer has acknowledged, since the start. */
                    sent: number;
                    /** @description Copies that were written again, for their acknowledgement was missing. */
                    repeated: number;
                    /** @description Messages from elsewhere: state, availability, results, discovery. */
                    others: number;
                    /** @description Messages that were given up, by reason. */
                    dropped: {
                        [key: string]: number;
                    };
                    /** @description Bytes that fell off the log before the peer had them. */
                    lostBytes: number;
                    /** @description Outages that are over. */
                    outages: number;
                    /** @description Times that the bridge's thread ended by itself. */
                    crashes: number;
                    /** @description Commands that came over MQTT: taken, refused. */
                    commands: {
                        [key: string]: number;
                    };
                    /** @description What went wrong last. */
                    lastError: {
                        /** @description Unix ms. */
                        at: number;
                        message: string;
                    } | null;
                    /** @description The newest subscription or message that the server did not take. */
                    lastRefusal: {
                        /** @description Unix ms. */
                        at: number;
                        message: string;
                    } | null;
                };
                /** @description The telemetry log. */
                log: {
                    /** @description Bytes held. */
                    bytes: number;
                    /** @description Segment files held. */
                    segments: number;
                    /** @description Position of the oldest record. */
                    first: number;
                    /** @description Where the next record will start. */
                    end: number;
                    /** @description Frames accepted and not yet committed. */
                    waitingFrames: number;
                    /** @description Bytes that fell off before a reader had passed them, by reader. */
                    lost: {
                        [key: string]: number;
                    };
                };
                /** @description 1: it cannot write now and waits (a full disk, a lock); by store: log, database. */
                storesWaiting: {
                    [key: string]: number;
                };
                /** @description Memory of the process. */
                memory: {
                    /** @description Of the process. */
                    residentBytes: number;
                    /** @description Used by JavaScript. */
                    heapBytes: number;
                    /** @description Used by buffers. */
                    externalBytes: number;
                };
                /** @description How late the event loop was during the last second, ms. */
                eventLoopDelay: {
                    /** @description Median. */
                    p50: number;
                    /** @description 99th percentile. */
                    p99: number;
                    /** @description Longest. */
                    max: number;
                };
            };
        };
        /** Command */
        Command: {
            id: string;
            /** @description `customer/id` */
            device: string;
            name: string;
            args: unknown;
            /** @enum {string} */
            status: "queued" | "written" | "accepted" | "progress" | "done" | "failed" | "rejected" | "expired" | "cancelled";
            /** @description When it was asked for. Unix ms. */
            createdAt: number;
            /** @description When its ttl ends. Unix ms. */
            expiresAt: number;
            /** @description When it came to its end. Unix ms. */
            endedAt: number | null;
            /** @description How often it was written. */
            attempts: number;
            /** @description While it waits: what for. */
            waitingFor?: string;
            /** @description What the device said at the end, as JSON. */
            result?: unknown;
            /** @description The key that asked; `mqtt`: the bridge. */
            by: string;
            /** @description The job that it belongs to. */
            job?: string;
            supersede?: string;
            /** @description Every step, oldest first. */
            timeline: {
                /** @enum {string} */
                status: "queued" | "written" | "accepted" | "progress" | "done" | "failed" | "rejected" | "expired" | "cancelled";
                /** @description When. Unix ms. */
                at: number;
                /** @description The connection that it went to, or came from. */
                session?: string;
                /** @description `written`: the how manieth time. */
                attempt?: number;
                /** @description Why, in a sentence. */
                reason?: string;
                /** @description What the device said with its result, as JSON. */
                data?: unknown;
                /** @description The key that asked. */
                by?: string;
                /**
                 * @description It came after the end and changed nothing.
                 * @enum {boolean}
                 */
                late?: true;
            }[];
        };
        /** CommandList */
        CommandList: {
            items: components["schemas"]["Command"][];
            /** @description Pass it as `cursor` to get the next page; null: this was the last. */
            next: string | null;
        };
        /** NewCommand */
        NewCommand: {
            /** @description What the device is asked to do (P-1.4). */
            name: string;
            /** @description Any JSON; null if left out. */
            args?: unknown;
            /**
             * @description How long it lives: seconds, or a text such as `60s`, `10m` or `2h`. 0: now or never. Left out: `commands.defaultTtlSeconds`.
             * @example 60
             * @example 60s
             * @example 0
             */
            ttl?: number | string;
            /** @description Your own id, unique within the customer: asked for again, the same command answers. */
            id?: string;
            /** @description A word such as `valve`: a waiting command of the device with the same word is cancelled. */
            supersede?: string;
            /**
             * @description What happens when the device has its number of waiting commands; left out: `refuse`.
             * @enum {string}
             */
            whenFull?: "refuse" | "expire-oldest";
        };
        /** Cancelled */
        Cancelled: {
            /** @description How many commands were cancelled. */
            cancelled: number;
        };
        /** NewJob */
        NewJob: {
            /** @description Which devices; all given conditions must hold. With the customer alone: all of its devices. */
            select: {
                /** @description Whose devices. */
                customer: string;
                /** @description A part of the device id, its label or one of its tags, in any case. */
                q?: string;
                /** @description Exactly this model. */
                model?: string;
                /** @description Only devices that are connected now, or are not. */
                online?: boolean;
                /** @description Only these. */
                devices?: string[];
            };
            /** @description What the device is asked to do (P-1.4). */
            name: string;
            /** @description Any JSON; null if left out. */
            args?: unknown;
            /**
             * @description How long it lives: seconds, or a text such as `60s`, `10m` or `2h`. 0: now or never. Left out: `commands.defaultTtlSeconds`.
             * @example 60
             * @example 60s
             * @example 0
             */
            ttl?: number | string;
            /** @description A word such as `valve`: a waiting command of the device with the same word is cancelled. */
            supersede?: string;
            /** @description Only tell who would get it; left out: false. */
            dryRun?: boolean;
            /** @description How many devices get it first; the rest follows when all of these are done. Left out: 0. */
            canary?: number;
            /** @description Devices a second; left out: all at once. */
            rate?: number;
            /** @description Halt when more than this share of the commands that ended did not end as `done`. */
            haltShare?: number;
        };
        /** DryRun */
        DryRun: {
            /** @enum {boolean} */
            dryRun: true;
            /** @description How many devices would get it. */
            total: number;
            /** @description All of them, `customer/id`, sorted. */
            devices: string[];
        };
        /** Job */
        Job: {
            id: string;
            customer: string;
            name: string;
            args: unknown;
            /**
             * @description done: every device has its outcome. halted: too many failed; resume or cancel it.
             * @enum {string}
             */
            status: "canary" | "running" | "halted" | "cancelled" | "done";
            /** @description Why it was halted or cancelled, or what it waits for. */
            reason: string | null;
            /** @description When it was asked for. Unix ms. */
            createdAt: number;
            /** @description When it came to its end. Unix ms. */
            endedAt: number | null;
            /** @description The key that asked. */
            by: string;
            /** @description Devices. */
            total: number;
            /** @description Devices whose turn has not come. */
            waiting: number;
            canary: number;
            rate: number | null;
            haltShare: number | null;
            /** @description Devices whose turn has come, by the status of their command; `refused`: none could be made. */
            counts: {
                [key: string]: number;
            };
        };
        /** JobList */
        JobList: {
            items: components["schemas"]["Job"][];
            /** @description Pass it as `cursor` to get the next page; null: this was the last. */
            next: string | null;
        };
        /** JobOutcome */
        JobOutcome: {
            /** @description `customer/id` */
            device: string;
            /** @description Of its command; or `waiting`, `skipped` (cancelled before its turn), `refused`. */
            status: string;
            /** @description Why, where the broker knows. */
            reason: string | null;
            command: components["schemas"]["Command"] | null;
        };
        /** JobOutcomeList */
        JobOutcomeList: {
            items: components["schemas"]["JobOutcome"][];
            /** @description Pass it as `cursor` to get the next page; null: this was the last. */
            next: string | null;
        };
        /**
         * DesiredValues
         * @description The whole desired document.
         */
        DesiredValues: {
            [key: string]: unknown;
        };
        /**
         * DesiredPatch
         * @description What changes; null takes a name away (JSON merge patch, RFC 7396).
         */
        DesiredPatch: {
            [key: string]: unknown;
        };
        /** Documents */
        Documents: {
            /** @description `customer/id` */
            device: string;
            /** @description null: nothing was ever desired. */
            desired: {
                /** @description Rises with each change. */
                version: number;
                /** @description What the device should be like. */
                values: {
                    [key: string]: unknown;
                };
                /** @description When it was set. Unix ms. */
                at: number;
                /** @description The key that set it. */
                by: string;
            } | null;
            /** @description null: nothing was ever reported. */
            reported: {
                /** @description The version that the device has applied. */
                version: number;
                /** @description What it applied. */
                values: {
                    [key: string]: unknown;
                };
                /** @description When it said so. Unix ms. */
                at: number;
            } | null;
            /** @description Names whose desired value is not the reported one; a side that lacks the name is absent. */
            difference: {
                [key: string]: {
                    desired?: unknown;
                    reported?: unknown;
                };
            };
            /** @description Whether there is no difference. */
            inSync: boolean;
            /** @description Why the desired document is not sent to the device; absent: it is, or was. */
            obstacle?: string;
        };
        /** AuditEntry */
        AuditEntry: {
            /** @description Rises from entry to entry. */
            number: number;
            /** @description When it was asked. Unix ms. */
            at: number;
            /** @description The key that asked; `mqtt`: the bridge; `broker`: the broker itself. */
            by: string;
            /** @description Whose operators may read this; `*`: admins only. */
            customer: string;
            /** @description docs/audit.md lists them. */
            action: string;
            /** @description Of whom or what. */
            target: string;
            detail: {
                [key: string]: unknown;
            } | null;
            /** @description What became of it; null: not known yet. */
            outcome: string | null;
            /** @description When that was known. Unix ms. */
            outcomeAt: number | null;
        };
        /** AuditEntryList */
        AuditEntryList: {
            items: components["schemas"]["AuditEntry"][];
            /** @description Pass it as `cursor` to get the next page; null: this was the last. */
            next: string | null;
        };
    };
    responses: {
        /** @description Bad Request: a problem (RFC 9457). */
        BadRequest: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Unauthorized: a problem (RFC 9457). */
        Unauthorized: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Forbidden: a problem (RFC 9457). */
        Forbidden: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Too Many Requests: a problem (RFC 9457). */
        TooManyRequests: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Internal Server Error: a problem (RFC 9457). */
        InternalServerError: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Service Unavailable: a problem (RFC 9457). */
        ServiceUnavailable: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Not Found: a problem (RFC 9457). */
        NotFound: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Payload Too Large: a problem (RFC 9457). */
        PayloadTooLarge: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Unsupported Media Type: a problem (RFC 9457). */
        UnsupportedMediaType: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Conflict: a problem (RFC 9457). */
        Conflict: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Precondition Failed: a problem (RFC 9457). */
        PreconditionFailed: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listCustomers: {
        parameters: {
            query?: {
                /** @description Items a page. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CustomerList"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    listDevices: {
        parameters: {
            query?: {
                /** @description Only devices of this customer. */
                customer?: string;
                /** @description Only devices that are connected, or are not. */
                online?: boolean;
                /** @description A part of the device id, its label or one of its tags, in any case. */
                q?: string;
                /** @description With `-` descending. `lastSeen`: a device that is connected counts as seen now. */
                sort?: "name" | "-name" | "lastSeen" | "-lastSeen" | "connected" | "-connected";
                /** @description Items a page. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeviceList"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    getDevice: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                customer: string;
                device: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Device"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    putDevice: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Whose device. */
                customer: string;
                /** @description Its id. */
                device: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DeviceProfile"];
            };
        };
        responses: {
            /** @description It was known before; label, tags and notes are these now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Device"];
                };
            };
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Device"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `body-too-large`: The body is too large. */
            413: components["responses"]["PayloadTooLarge"];
            /** @description `unsupported-media-type`: The body must be application/json. */
            415: components["responses"]["UnsupportedMediaType"];
            /** @description `too-many-requests`: Too many requests. `too-many-devices`: Too many devices of this customer. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    forgetDevice: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                customer: string;
                device: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    getDeviceState: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                customer: string;
                device: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["State"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    listCommands: {
        parameters: {
            query?: {
                /** @description Items a page. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                customer: string;
                device: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CommandList"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    sendCommand: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                customer: string;
                device: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewCommand"];
            };
        };
        responses: {
            /** @description This id was asked for before: the command as it stands. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Command"];
                };
            };
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Command"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `conflict`: The request conflicts with what is there. */
            409: components["responses"]["Conflict"];
            /** @description `args-too-large`: The arguments are too large. `too-large-for-device`: The device cannot receive so large a frame. `body-too-large`: The body is too large. */
            413: components["responses"]["PayloadTooLarge"];
            /** @description `unsupported-media-type`: The body must be application/json. */
            415: components["responses"]["UnsupportedMediaType"];
            /** @description `too-many-requests`: Too many requests. `too-many-commands`: Too many commands wait. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    cancelWaitingCommands: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                customer: string;
                device: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Cancelled"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    getCommand: {
        parameters: {
            query?: {
                /** @description Whose it is, if the id alone does not say. */
                customer?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Command"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `conflict`: The request conflicts with what is there. */
            409: components["responses"]["Conflict"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    cancelCommand: {
        parameters: {
            query?: {
                /** @description Whose it is, if the id alone does not say. */
                customer?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Command"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `conflict`: The request conflicts with what is there. */
            409: components["responses"]["Conflict"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    sendGroupCommand: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewJob"];
            };
        };
        responses: {
            /** @description A dry run: who would get it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRun"];
                };
            };
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `args-too-large`: The arguments are too large. `body-too-large`: The body is too large. */
            413: components["responses"]["PayloadTooLarge"];
            /** @description `unsupported-media-type`: The body must be application/json. */
            415: components["responses"]["UnsupportedMediaType"];
            /** @description `too-many-requests`: Too many requests. `too-many-jobs`: Too many jobs are not over. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    listJobs: {
        parameters: {
            query?: {
                /** @description Items a page. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobList"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    getJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    cancelJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `conflict`: The request conflicts with what is there. */
            409: components["responses"]["Conflict"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    listJobOutcomes: {
        parameters: {
            query?: {
                /** @description Items a page. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobOutcomeList"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    resumeJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `conflict`: The request conflicts with what is there. */
            409: components["responses"]["Conflict"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    getDesiredState: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                customer: string;
                device: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Documents"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    replaceDesiredState: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag that you have seen, against lost updates; `*` or none: whatever is there. */
                "if-match"?: string;
            };
            path: {
                customer: string;
                device: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DesiredValues"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Documents"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `precondition-failed`: It has changed since you read it. */
            412: components["responses"]["PreconditionFailed"];
            /** @description `desired-too-large`: The desired document is too large. `too-large-for-device`: The device cannot receive so large a frame. `body-too-large`: The body is too large. */
            413: components["responses"]["PayloadTooLarge"];
            /** @description `unsupported-media-type`: The body must be application/json. */
            415: components["responses"]["UnsupportedMediaType"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    patchDesiredState: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag that you have seen, against lost updates; `*` or none: whatever is there. */
                "if-match"?: string;
            };
            path: {
                customer: string;
                device: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/merge-patch+json": components["schemas"]["DesiredPatch"];
                "application/json": components["schemas"]["DesiredPatch"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Documents"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `precondition-failed`: It has changed since you read it. */
            412: components["responses"]["PreconditionFailed"];
            /** @description `desired-too-large`: The desired document is too large. `too-large-for-device`: The device cannot receive so large a frame. `body-too-large`: The body is too large. */
            413: components["responses"]["PayloadTooLarge"];
            /** @description `unsupported-media-type`: The body must be application/json. */
            415: components["responses"]["UnsupportedMediaType"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    listAuditEntries: {
        parameters: {
            query?: {
                /** @description Only entries of this customer. */
                customer?: string;
                /** @description Only what this key asked. */
                by?: string;
                /** @description Only this action; with a `.` at the end, all that begin so. */
                action?: string;
                /** @description Only about this, such as `acme/pump-7`. */
                target?: string;
                /** @description Not before. Unix ms. */
                from?: number;
                /** @description Before. Unix ms. */
                to?: number;
                /** @description Items a page. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditEntryList"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    listKeys: {
        parameters: {
            query?: {
                /** @description Only keys of this customer. */
                customer?: string;
                /** @description Items a page. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyList"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    createKey: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewKey"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Key"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `body-too-large`: The body is too large. */
            413: components["responses"]["PayloadTooLarge"];
            /** @description `unsupported-media-type`: The body must be application/json. */
            415: components["responses"]["UnsupportedMediaType"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    rotateKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Rotation"] | null;
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Key"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `body-too-large`: The body is too large. */
            413: components["responses"]["PayloadTooLarge"];
            /** @description `unsupported-media-type`: The body must be application/json. */
            415: components["responses"]["UnsupportedMediaType"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    revokeKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is revoked. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `not-found`: No such thing. */
            404: components["responses"]["NotFound"];
            /** @description `conflict`: The request conflicts with what is there. */
            409: components["responses"]["Conflict"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    getSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    logIn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Login"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. `origin-refused`: The page that asks is from another origin. */
            403: components["responses"]["Forbidden"];
            /** @description `body-too-large`: The body is too large. */
            413: components["responses"]["PayloadTooLarge"];
            /** @description `unsupported-media-type`: The body must be application/json. */
            415: components["responses"]["UnsupportedMediaType"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    logOut: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The cookie is gone. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. `origin-refused`: The page that asks is from another origin. */
            403: components["responses"]["Forbidden"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    getStats: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Stats"];
                };
            };
            /** @description `bad-request`: The request is malformed. */
            400: components["responses"]["BadRequest"];
            /** @description `unauthorized`: The key is not valid. */
            401: components["responses"]["Unauthorized"];
            /** @description `forbidden`: The key does not allow this. */
            403: components["responses"]["Forbidden"];
            /** @description `too-many-requests`: Too many requests. */
            429: components["responses"]["TooManyRequests"];
            /** @description `internal`: Something went wrong in the broker. */
            500: components["responses"]["InternalServerError"];
            /** @description `not-ready`: The broker is not ready. */
            503: components["responses"]["ServiceUnavailable"];
        };
    };
}
