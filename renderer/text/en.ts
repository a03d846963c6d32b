/**
 * The English catalogue: one file per feature, composed here. It is the source of the key types, so a missing
 * or misspelt key fails the build. Invariant: plural forms end in `_one` and `_other`, placeholders are
 * `{{name}}`, and no value holds markup.
 */
import { app } from "./en/app.ts";
import { callLog } from "./en/call-log.ts";
import { calls } from "./en/calls.ts";
import { composer } from "./en/composer.ts";
import { encryption } from "./en/encryption.ts";
import { errors } from "./en/errors.ts";
import { roomList } from "./en/room-list.ts";
import { settings } from "./en/settings.ts";
import { signIn } from "./en/sign-in.ts";
import { timeline } from "./en/timeline.ts";

export const en = { app, callLog, calls, composer, encryption, errors, roomList, settings, signIn, timeline } as const;
