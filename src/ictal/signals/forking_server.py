"""What the server that forks (`forking`) does before all else; imported by nobody else.

A cluster sends SIGTERM to a whole process group. The run saves itself then and ends its workers; without this, the
server would be gone before.
"""

import signal

signal.signal(signal.SIGTERM, signal.SIG_IGN)
