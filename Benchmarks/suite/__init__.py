"""The modules of run.py: what is measured (work, peers), how (timing, native), and what becomes of it (report)."""
