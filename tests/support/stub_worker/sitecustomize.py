"""In the processes of a cluster whose PYTHONPATH begins with this folder, a phase is a stub.

Python imports this module when a process starts. It puts a module in the place of
`xstilts.training.phase` that leaves what a worker would leave (`tests.support.stub_phases`),
without torch; everything around it, the trial with its lease and its reports included, is the real
one.
"""

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path

_NAME = "xstilts.training.phase"


class _Stub(MetaPathFinder, Loader):
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name == _NAME else None

    def exec_module(self, module):
        sys.path.append(str(Path(__file__).resolve().parents[3]))
        sys.modules.setdefault("torch", type(sys)("torch"))  # asked for, never used
        from tests.support.stub_phases import leave
        from xstilts.store.phases import Store
        from xstilts.workers.context import Context, Report

        def run_phase(spec, worker, report, sure=lambda: None):
            phase = Store(worker.store).phase(spec.id, sure)
            if phase.complete:
                return "done"
            report(Report(step=1, steps=1))
            leave(spec, phase)
            return "done"

        module.Context, module.run_phase = Context, run_phase


sys.meta_path.insert(0, _Stub())
