/** The bad network of the call tests: what is passed on, lost, late, and held back. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startUdpForwarder, type UdpForwarder } from "./udp-forwarder.ts";

let echo: Socket;
let client: Socket;
let forwarder: UdpForwarder;
let answers: string[];

beforeEach(async () => {
  echo = createSocket("udp4");
  echo.on("message", (message, { port, address }) => echo.send(message, port, address));
  echo.bind(0, "127.0.0.1");
  await once(echo, "listening");
  forwarder = await startUdpForwarder(echo.address().port);
  client = createSocket("udp4");
  answers = [];
  client.on("message", (message) => answers.push(message.toString()));
});

afterEach(async () => {
  client.close();
  await forwarder.stop();
  echo.close();
});

const say = (text: string) => client.send(text, forwarder.port, "127.0.0.1");

test("passes packets in both directions", async () => {
  say("hello");
  await expect.poll(() => answers).toEqual(["hello"]);
});

test("a cut lets nothing through until it is mended", async () => {
  forwarder.cut();
  say("lost");
  await expect.poll(() => forwarder.counts.silenced).toBe(1);
  forwarder.mend();
  say("heard");
  await expect.poll(() => answers).toEqual(["heard"]);
});

test("loses about the share that it is told to", async () => {
  forwarder.setFaults({ lossShare: 0.25, delayMs: 0, jitterMs: 0 });
  for (let count = 0; count < 400; count += 1) {
    say("x");
    // In order on purpose: a burst would overflow the socket's own buffer.
    if (count % 20 === 0) await sleep(1);
  }
  await expect.poll(() => forwarder.counts.lost + forwarder.counts.forwarded).toBe(400);
  expect(forwarder.counts.lost).toBeGreaterThan(60);
  expect(forwarder.counts.lost).toBeLessThan(140);
});

test("delays packets on the way to the server", async () => {
  forwarder.setFaults({ lossShare: 0, delayMs: 60, jitterMs: 20 });
  const startMs = performance.now();
  say("late");
  await expect.poll(() => answers, { interval: 5 }).toEqual(["late"]);
  expect(performance.now() - startMs).toBeGreaterThan(35);
});
