# Objects of vduse-worker that each of its unit tests links.
UNIT_worker_iova_OBJS = tests/unit/fake_guest.o worker/iova.o common/fd.o
