/**
 * The application menu and its accelerators. Set once by index.ts. Invariant: editing and window commands are
 * Electron's own roles, so that they act as each system's users expect; reload and developer tools exist only
 * where the app runs from its sources.
 */
import { Menu, type MenuItemConstructorOptions } from "electron";
import type { Route } from "../../preload/contract/shell-contract.ts";

export type MenuDeps = { platform: NodeJS.Platform; isPackaged: boolean; open(route: Route): void };

/** Sets the menu of the whole app. */
export function setApplicationMenu(deps: MenuDeps): void {
  Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate(deps)));
}

/** The menu as data. */
export function menuTemplate(deps: MenuDeps): MenuItemConstructorOptions[] {
  const isMac = deps.platform === "darwin";
  const settings: MenuItemConstructorOptions = {
    label: "Settings",
    accelerator: "CmdOrCtrl+,",
    click: () => deps.open({ to: "settings" }),
  };
  const developer: MenuItemConstructorOptions[] = deps.isPackaged
    ? []
    : [{ type: "separator" }, { role: "reload" }, { role: "forceReload" }, { role: "toggleDevTools" }];
  return [
    ...(isMac
      ? [
          {
            role: "appMenu",
            submenu: [
              { role: "about" },
              { type: "separator" },
              settings,
              { type: "separator" },
              { role: "services" },
              { type: "separator" },
              { role: "hide" },
              { role: "hideOthers" },
              { role: "unhide" },
              { type: "separator" },
              { role: "quit" },
            ],
          } satisfies MenuItemConstructorOptions,
        ]
      : []),
    {
      label: "&File",
      submenu: [
        {
          label: "New room",
          accelerator: "CmdOrCtrl+N",
          click: () => deps.open({ to: "new-room" }),
        },
        ...(isMac ? [] : [settings]),
        { type: "separator" },
        { role: "close" },
        ...(isMac ? [] : [{ role: "quit" } satisfies MenuItemConstructorOptions]),
      ],
    },
    { role: "editMenu" },
    {
      label: "&View",
      submenu: [
        { role: "resetZoom" },
        { role: "zoomIn" },
        { role: "zoomOut" },
        { type: "separator" },
        { role: "togglefullscreen" },
        ...developer,
      ],
    },
    { role: "windowMenu" },
    { role: "help", submenu: isMac ? [] : [{ role: "about" }] },
  ];
}
