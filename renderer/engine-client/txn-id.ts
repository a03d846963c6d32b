/** Ids for what the user sends; made where it is sent, so that a call that is repeated is the same send. */
import * as v from "valibot";
import { type TxnId, txnIdSchema } from "../../preload/contract/ids.ts";

/** A fresh id for one send. */
export const mintTxnId = (): TxnId => v.parse(txnIdSchema, `lattice-${crypto.randomUUID()}`);
