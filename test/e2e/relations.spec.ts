/**
 * What two people do to each other's messages, through the whole app: answer, react, edit, remove, and where the
 * keyboard and the draft are meanwhile.
 */
import { composer, expect, meet, press, said, test, write, type Seat } from "./people.ts";

const line = ({ page }: Seat, text: string) =>
  page.getByRole("log").getByRole("article").filter({ hasText: text }).last();
const reactions = (seat: Seat, text: string) =>
  line(seat, text).getByRole("list", { name: "Reactions" }).getByRole("button");

test("an answer, a reaction, an edit and a removal reach the other side", async ({ seat, homeserver }) => {
  const [alice, bob] = [await seat("Alice"), await seat("Bob")];
  await meet(alice, bob, homeserver.baseUrl);
  await write(alice, "when do we meet?");
  await said(bob, "when do we meet?").waitFor();

  await line(bob, "when do we meet?").hover();
  await press(line(bob, "when do we meet?"), "Reply");
  await expect(composer(bob)).toBeFocused();
  await bob.page.keyboard.type("at thre");
  await bob.page.keyboard.press("Enter");
  await said(alice, "at thre").waitFor();
  await expect(line(alice, "at thre").getByRole("button", { name: /In reply to.*when do we meet\?/u })).toBeVisible();
  await expect(bob.page.getByText("Reply to Alice")).toHaveCount(0);

  await line(alice, "at thre").hover();
  await press(line(alice, "at thre"), "React");
  await press(alice.page, "React with 🎉");
  await expect(reactions(alice, "at thre")).toContainText("🎉1");
  await reactions(bob, "at thre").click();
  await expect(reactions(alice, "at thre")).toContainText("🎉2");
  await reactions(alice, "at thre").click();
  await expect(reactions(bob, "at thre")).toContainText("🎉1");

  await composer(bob).focus();
  await bob.page.keyboard.press("ArrowUp");
  await bob.page.keyboard.type("e");
  await bob.page.keyboard.press("Enter");
  await line(alice, "at three").waitFor();
  await expect(line(alice, "at three")).toContainText("edited");
  await expect(composer(bob)).toHaveValue("");
  await expect(reactions(alice, "at three")).toContainText("🎉1");

  await write(alice, "not this");
  await said(bob, "not this").waitFor();
  await line(alice, "not this").hover();
  await press(line(alice, "not this"), "Remove");
  await press(alice.page.getByRole("alertdialog", { name: "Remove this message?" }), "Remove");
  await expect(said(bob, "not this")).toHaveCount(0);
  await expect(said(bob, "Message removed")).toHaveCount(1);
  await expect(said(alice, "not this")).toHaveCount(0);
});
