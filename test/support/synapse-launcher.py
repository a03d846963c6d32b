"""
Runs Synapse in this very process, and ends it when stdin closes: so the server never outlives its parent,
even when that was killed with SIGKILL. Started by homeserver.ts: launcher.py CONFIG [FOLDER-TO-DELETE].
"""

import os
import runpy
import shutil
import signal
import sys
import threading

config, *doomed = sys.argv[1:]


def watch_parent() -> None:
    while os.read(0, 4096):
        pass
    if not doomed:
        os.kill(os.getpid(), signal.SIGTERM)
        return
    # The data is thrown away, so there is nothing to shut down in order.
    shutil.rmtree(doomed[0], ignore_errors=True)
    os._exit(0)


threading.Thread(target=watch_parent, daemon=True).start()
sys.argv = ["synapse", "-c", config]
runpy.run_module("synapse.app.homeserver", run_name="__main__", alter_sys=True)
