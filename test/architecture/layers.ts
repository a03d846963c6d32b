/**
 * The layer map: which folder may import what. The table is the rule; layers.test.ts holds every file against it.
 * Invariant: a file belongs to the row with the longest matching prefix, and what a row does not name is forbidden,
 * save the row's own folder and the contract, which everyone may import.
 */
import { builtinModules } from "node:module";
import { importsOf, type Import } from "./source-files.ts";

type Layer = {
  /** The prefix of the files it holds. */
  at: string;
  /** Prefixes of what it may import beside itself and the contract. */
  files: readonly string[];
  packages: readonly string[];
  /** Whether Node's own modules are there. */
  node: boolean;
};

const ENGINE = "main/engine/";
const engine = (folders: readonly string[]): string[] => folders.map((folder) => ENGINE + folder);
const RENDERER_PACKAGES = ["react", "react-dom", "react-aria-components", "lucide-react", "valibot"];
const FEATURE_BASE = engine(["base/", "matrix/", "net/", "store/", "crypto/", "sync/step.ts", "sync/change-set.ts"]);

const engineFeature = (name: string): Layer => ({
  at: `${ENGINE}${name}/`,
  files: FEATURE_BASE,
  packages: ["valibot"],
  node: true,
});

export const layers: readonly Layer[] = [
  { at: "preload/contract/", files: [], packages: ["valibot"], node: false },
  { at: "preload/index.ts", files: [], packages: ["electron", "valibot"], node: false },

  { at: `${ENGINE}base/`, files: [], packages: ["valibot"], node: true },
  { at: `${ENGINE}matrix/`, files: engine(["base/"]), packages: ["valibot"], node: true },
  { at: `${ENGINE}net/`, files: engine(["base/", "matrix/"]), packages: ["valibot"], node: true },
  { at: `${ENGINE}store/`, files: engine(["base/", "matrix/"]), packages: ["valibot"], node: true },
  {
    at: `${ENGINE}crypto/`,
    files: engine(["base/", "matrix/", "store/"]),
    packages: ["valibot", "@matrix-org/matrix-sdk-crypto-wasm"],
    node: true,
  },
  {
    at: `${ENGINE}sync/`,
    files: engine(["base/", "matrix/", "net/", "store/", "crypto/"]),
    packages: ["valibot"],
    node: true,
  },
  ...["rooms", "timeline", "outbox", "media", "push", "search", "calls", "account"].map(engineFeature),
  {
    at: `${ENGINE}session/`,
    files: [
      ...engine(["base/", "matrix/", "net/", "store/", "crypto/", "sync/"]),
      ...engine(["rooms/", "timeline/", "outbox/", "media/", "push/", "search/", "calls/", "account/"]),
    ],
    packages: ["valibot"],
    node: true,
  },
  {
    at: `${ENGINE}port/`,
    files: engine(["base/", "matrix/", "sync/change-set.ts", "session/"]),
    packages: ["valibot"],
    node: true,
  },
  {
    at: `${ENGINE}entry.`,
    files: engine(["base/", "session/", "port/"]),
    packages: ["valibot"],
    node: true,
  },

  {
    at: "main/shell/",
    // The words of menus and notifications come from the same catalogue as the window's.
    files: ["renderer/text/"],
    packages: ["electron", "electron-log", "electron-store", "i18next", "valibot"],
    node: true,
  },
  { at: "main/browser-host/", files: engine(["entry.node.ts"]), packages: ["valibot", "ws"], node: true },
  { at: "main/browser-host/page/", files: [], packages: ["valibot"], node: false },
  {
    at: "main/tools/",
    files: ["main/vite.config.ts", "preload/vite.config.ts", "renderer/vite.config.ts"],
    packages: ["vite", "electron-builder"],
    node: true,
  },
  { at: "main/vite.config.ts", files: [], packages: ["vite"], node: true },
  { at: "preload/vite.config.ts", files: [], packages: ["vite"], node: true },
  { at: "renderer/vite.config.ts", files: [], packages: ["vite", "@vitejs/plugin-react"], node: true },

  { at: "renderer/ui/", files: [], packages: RENDERER_PACKAGES, node: false },
  { at: "renderer/text/", files: [], packages: ["i18next", "react", "react-i18next"], node: false },
  { at: "renderer/engine-client/", files: [], packages: ["react", "valibot", "zustand"], node: false },
  {
    at: "renderer/features/",
    files: ["renderer/ui/", "renderer/text/", "renderer/engine-client/"],
    packages: [...RENDERER_PACKAGES, "@tanstack/react-virtual", "qr", "simple-peer", "zustand"],
    node: false,
  },
  {
    at: "renderer/app/",
    files: ["renderer/ui/", "renderer/text/", "renderer/engine-client/", "renderer/features/"],
    packages: [...RENDERER_PACKAGES, "@tanstack/react-virtual", "zustand"],
    node: false,
  },
  {
    at: "renderer/",
    files: ["renderer/app/", "renderer/ui/", "renderer/text/", "renderer/engine-client/", "renderer/features/"],
    packages: [...RENDERER_PACKAGES, "@fontsource-variable/inter"],
    node: false,
  },
];

/** What is wrong with the imports of a file, one sentence each. */
export function violationsOf(path: string, text?: string): string[] {
  const layer = layerOf(path);
  if (layer === undefined) return [`${path} is in no layer: name its folder in the layer map`];
  return importsOf(path, text).flatMap((found) => {
    const wrong = judge(path, layer, found);
    return wrong === undefined ? [] : [`${path} imports ${"path" in found ? found.path : found.name}: ${wrong}`];
  });
}

function layerOf(path: string): Layer | undefined {
  return layers.filter((layer) => path.startsWith(layer.at)).toSorted((a, b) => b.at.length - a.at.length)[0];
}

const nodeModules = new Set(builtinModules);

function judge(path: string, layer: Layer, found: Import): string | undefined {
  if (found.kind === "node") return layer.node ? undefined : "Node's modules are not there";
  if (found.kind === "package") {
    if (nodeModules.has(found.name)) return 'Node\'s modules are imported with "node:" before the name';
    return layer.packages.includes(found.name) ? undefined : "this package is not for this layer";
  }
  if (found.path.startsWith("test/")) return "no source imports test";
  const ownFeature = featureOf(path);
  const otherFeature = featureOf(found.path);
  if (otherFeature !== undefined && otherFeature !== ownFeature) {
    if (ownFeature !== undefined) return "features never import each other; app composes them";
    if (!isDoor(found.path, otherFeature)) return `a feature's door is its index (${otherFeature}index.ts)`;
  }
  const isAllowed = ["preload/contract/", layer.at, ...layer.files].some((prefix) => found.path.startsWith(prefix));
  return isAllowed ? undefined : `${layer.at} may not`;
}

const featureOf = (path: string): string | undefined => /^renderer\/features\/[^/]+\//.exec(path)?.[0];

/** The gallery draws views from canned props, which each feature keeps beside them. */
const isDoor = (path: string, feature: string): boolean =>
  [`${feature}index.ts`, `${feature}gallery.tsx`].includes(path);

/** Groups of files that import each other in a circle, each group in the order of its imports. */
export function cyclesIn(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    const at = trail.indexOf(path);
    if (at >= 0) return void cycles.push(trail.slice(at));
    if (done.has(path)) return;
    trail.push(path);
    for (const next of imports.get(path) ?? []) visit(next);
    trail.pop();
    done.add(path);
  };
  for (const path of imports.keys()) visit(path);
  return cycles;
}

/** Where a file hands SQL text to a database by itself, outside the two folders that own a database. */
export function sqlOutsideStore(path: string, text: string): string[] {
  if (path.startsWith(`${ENGINE}store/`) || path.startsWith(`${ENGINE}crypto/indexeddb/`)) return [];
  const call =
    /\.(?:prepare|exec)\s*(?:<[^()]*>)?\(\s*["'`]\s*(?:SELECT|INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|ALTER|PRAGMA|BEGIN|COMMIT|ROLLBACK|WITH|ATTACH|VACUUM)\b/gi;
  return [...text.matchAll(call)].map((match) => `${path}: ${match[0].trim()}…`);
}
