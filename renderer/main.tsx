/**
 * The page's start: words, styles, the port to the engine, and the app or the gallery.
 * Loaded by index.html. Invariant: nothing here waits for the network; whatever is missing is shown in words.
 */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@fontsource-variable/inter/wght.css";
import "./ui/base.css";
import { Root } from "./app/Root.tsx";
import { setUpText } from "./text/text.ts";

/**
 * The press library adds a style element of this id unless the page has one. The content security policy
 * forbids style elements, and base.css has its rule.
 */
function keepStyleElementOut(): void {
  const marker = document.createElement("meta");
  marker.id = "react-aria-pressable-style";
  document.head.append(marker);
}

keepStyleElementOut();
setUpText();
const container = document.getElementById("root");
if (!container) throw new Error("the page has no #root");
createRoot(container).render(
  <StrictMode>
    <Root host={window.latticeHost} incomingCallHost={window.latticeIncomingCall} />
  </StrictMode>,
);
