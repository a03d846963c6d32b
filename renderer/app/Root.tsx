/**
 * The outermost component: error boundary, language of the primitives, engine client, and the choice between
 * app, window of calls, gallery and the small window of a ringing call. Rendered by main.tsx. Invariant: gallery and
 * small window need no engine.
 */
import { lazy, Suspense, useMemo, useSyncExternalStore } from "react";
import { I18nProvider } from "react-aria-components/I18nProvider";
import type { IncomingCallHost, LatticeHost } from "../../preload/contract/shell-contract.ts";
import { connectToHost, EngineProvider } from "../engine-client/EngineProvider.tsx";
import { CallHostContext, IncomingCallPage } from "../features/calls/index.ts";
import { useText } from "../text/text.ts";
import { Button } from "../ui/Button.tsx";
import { EmptyState } from "../ui/EmptyState.tsx";
import { ErrorBoundary } from "../ui/ErrorBoundary.tsx";
import { App } from "./App.tsx";
import { CallsWindow } from "./CallsWindow.tsx";
import { isGalleryHash, onHashChange } from "./navigation.ts";

const Gallery = lazy(async () => ({ default: (await import("./Gallery.tsx")).Gallery }));

export type RootProps = {
  host: LatticeHost | undefined;
  /** There in the small window of a ringing call alone. */
  incomingCallHost?: IncomingCallHost | undefined;
};

/** Everything. */
export function Root({ host, incomingCallHost }: RootProps) {
  const t = useText();
  const isGallery = useSyncExternalStore(onHashChange, isGalleryHash);
  return (
    <I18nProvider locale={document.documentElement.lang}>
      <ErrorBoundary
        renderFallback={() => (
          <main>
            <EmptyState
              level={1}
              title={t("app.failedAppTitle")}
              body={t("app.failedAppBody")}
              action={
                <Button variant="primary" onPress={() => window.location.reload()}>
                  {t("app.reload")}
                </Button>
              }
            />
          </main>
        )}
      >
        {incomingCallHost ? (
          <IncomingCallPage host={incomingCallHost} />
        ) : isGallery ? (
          <Suspense fallback={null}>
            <Gallery />
          </Suspense>
        ) : host ? (
          <Connected host={host} />
        ) : (
          <EmptyState level={1} title={t("app.noHostTitle")} body={t("app.noHostBody")} />
        )}
      </ErrorBoundary>
    </I18nProvider>
  );
}

/** One client for each host, also when React renders twice. */
const clients = new WeakMap<LatticeHost, ReturnType<typeof connectToHost>>();

function Connected({ host }: { host: LatticeHost }) {
  const client = useMemo(() => {
    const known = clients.get(host) ?? connectToHost(host);
    clients.set(host, known);
    return known;
  }, [host]);
  return (
    <EngineProvider client={client} hostInfo={host.info}>
      {host.info.role === "calls" ? (
        <CallsWindow host={host} />
      ) : (
        <CallHostContext value={host}>
          <App host={host} />
        </CallHostContext>
      )}
    </EngineProvider>
  );
}
