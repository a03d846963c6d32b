/** Our engine with matrix-js-sdk, a client no one here wrote, on a real homeserver: ours as Alice. */
import { playAll } from "./play.ts";

playAll("our engine", "matrix-js-sdk");
