#!/bin/sh
# Set up .venv: torch first, in the build that fits the machine, then the exact versions of requirements.txt, then the package itself.
set -eu
version=2.13.0
torch="torch==$version"
requirements=requirements.txt
python=${PYTHON:-python3}

command -v "$python" >/dev/null || { echo "make: $python is not here; install Python 3.11 or newer, or say make PYTHON=/path/to/python"; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "make: $("$python" --version) is too old; Python 3.11 or newer is needed: make PYTHON=python3.12"; exit 1; }

[ -x .venv/bin/python ] || "$python" -m venv .venv
if [ -n "${NEWEST:-}" ]; then # the weekly run: no pin but the book's own generation
    torch=torch requirements=.venv/newest.txt
    sed -E 's/^(jupyter-book)==[^ ;]+/\1<2/; s/^([A-Za-z][A-Za-z0-9_.-]*)==[^ ;]+/\1/' requirements.txt >"$requirements"
fi
pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }
fits() {
    .venv/bin/python - 2>/dev/null <<END
import sys, torch
fits = "$torch" in ("torch", "torch==" + torch.__version__.split("+")[0])
sys.exit(not fits or ("${TORCH:-auto}" == "cuda" and torch.version.cuda is None))
END
}
has_cuda() { [ "${TORCH:-auto}" = cuda ] || nvidia-smi -L >/dev/null 2>&1; }

if ! fits; then
    # The plain Linux package carries 3 GB of CUDA. Another host out of reach must cost seconds, not minutes.
    [ "$(uname -s)" != Linux ] || has_cuda ||
        pip install -q --timeout 5 --retries 0 "$torch" --extra-index-url https://download.pytorch.org/whl/cpu || true
    fits || pip install -q "$torch"
fi
pip install -q -r "$requirements"
pip install -q -e . --no-deps
