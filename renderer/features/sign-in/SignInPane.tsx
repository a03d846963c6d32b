/**
 * Connects the sign-in form to the engine: discovery while typing, then sign-in. Mounted by renderer/app while
 * there is no account; it goes away by itself when the accounts topic shows one.
 * Invariant: the password leaves this component only inside the command, and is gone from it afterwards.
 */
import { useState } from "react";
import { useCommand } from "../../engine-client/use-command.ts";
import { useHostInfo } from "../../engine-client/EngineProvider.tsx";
import { errorText } from "../../text/error-text.ts";
import { useText } from "../../text/text.ts";
import { readAddress } from "./address.ts";
import { SignInView } from "./SignInView.tsx";
import type { SignInFields, SignInProblems } from "./SignInView.tsx";
import { useDiscovery } from "./use-discovery.ts";

const EMPTY_FIELDS: SignInFields = { address: "", user: "", password: "" };

/** The sign-in screen at work. */
export function SignInPane() {
  const t = useText();
  const { platform } = useHostInfo();
  const [fields, setFields] = useState(EMPTY_FIELDS);
  const [problems, setProblems] = useState<SignInProblems>({});
  const [isSubmitting, setIsSubmitting] = useState(false);
  const { discovery, changeAddress, askNow } = useDiscovery();
  const signIn = useCommand("accounts.signIn");

  const change = (changed: Partial<SignInFields>) => {
    setFields((before) => ({ ...before, ...changed }));
    setProblems({});
    signIn.clearError();
    if (changed.address !== undefined) changeAddress(changed.address);
  };

  const submit = async () => {
    const address = readAddress(fields.address);
    const user = address.kind === "user" ? address.user : fields.user.trim();
    const found: SignInProblems = {};
    if (address.kind === "incomplete") found.address = t("signIn.addressNeeded");
    else if (user === "") found.user = t("signIn.userNeeded");
    if (fields.password === "") found.password = t("signIn.passwordNeeded");
    setProblems(found);
    if (Object.keys(found).length > 0) return;
    setIsSubmitting(true);
    try {
      const answer = await askNow(fields.address);
      if (!answer?.canUsePassword) return;
      const result = await signIn.run({
        homeserverUrl: answer.homeserverUrl,
        user,
        password: fields.password,
        deviceName: platform === "" ? t("app.name") : `${t("app.name")} (${platform})`,
      });
      if (result.ok || result.error.code === "wrong-credentials") setFields((before) => ({ ...before, password: "" }));
    } finally {
      setIsSubmitting(false);
    }
  };

  return (
    <SignInView
      fields={fields}
      discovery={discovery}
      needsUser={readAddress(fields.address).kind === "server"}
      problems={signIn.error === undefined ? problems : { ...problems, form: errorText(t, signIn.error) }}
      isSubmitting={isSubmitting}
      onChange={change}
      onSubmit={() => void submit()}
    />
  );
}
