/** Our engine with matrix-js-sdk, a client no one here wrote, on a real homeserver: ours as Bob. */
import { playAll } from "./play.ts";

playAll("matrix-js-sdk", "our engine");
