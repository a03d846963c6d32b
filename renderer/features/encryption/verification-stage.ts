/**
 * Which verifications are shown, and where: one as the dialog, those that were only asked for as cards.
 * Used by VerificationHost. The topic forgets a verification seconds after its end; what the user is looking at
 * stays until he puts it away, so its last state is kept here.
 * Invariant: pure, and `advance` gives back the same object where nothing changed, so that it can run in render.
 */
import type { VerificationView } from "../../../preload/contract/views.ts";

export type VerificationStage = {
  /** In the dialog, also after it has left the topic. */
  shown: VerificationView | undefined;
  /** Put away by the user; never shown again. */
  hidden: ReadonlySet<string>;
};

export const emptyStage: VerificationStage = { shown: undefined, hidden: new Set() };

/** Code of a verification that left the topic before its end; ours, not the specification's. */
export const GONE_CODE = "gone";

export const hasEnded = ({ phase }: VerificationView): boolean => phase === "done" || phase === "cancelled";

/** Only asked for, by the other side: a card, until the user goes on. */
const isQuestion = (view: VerificationView): boolean => view.direction === "incoming" && view.phase === "requested";

/** The stage after the topic said this. */
export function advance(stage: VerificationStage, items: readonly VerificationView[]): VerificationStage {
  const { shown, hidden } = stage;
  if (shown) {
    const now = items.find(({ flowId }) => flowId === shown.flowId);
    if (now === shown) return stage;
    if (now) return { shown: now, hidden };
    if (hasEnded(shown)) return stage;
    return { shown: { ...shown, phase: "cancelled", cancel: { code: GONE_CODE, byUs: false, message: "" } }, hidden };
  }
  const next = items.find((view) => !hidden.has(view.flowId) && !isQuestion(view) && !hasEnded(view));
  return next ? { shown: next, hidden } : stage;
}

/** The user puts it away. */
export function putAway(stage: VerificationStage, flowId: string): VerificationStage {
  return {
    shown: stage.shown?.flowId === flowId ? undefined : stage.shown,
    hidden: new Set(stage.hidden).add(flowId),
  };
}

/** The cards to show. */
export function questionsOf(stage: VerificationStage, items: readonly VerificationView[]): VerificationView[] {
  return items.filter(
    (view) => isQuestion(view) && !stage.hidden.has(view.flowId) && view.flowId !== stage.shown?.flowId,
  );
}
