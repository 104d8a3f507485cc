# What people type; CI types the same. Each target is one script under scripts/.
#
#   PG_CONFIG  the PostgreSQL to build for (default: the newest of 15 to 18 found)
#   PGPORT     the port of `make run` (default 28815)
#   DYNAMO_PORT, DYNAMO_METRICS_PORT   the ports of its DynamoDB endpoint (default 8000) and metrics (default 9187)
.PHONY: help run stop install check test soak bench package snapshot documents clean

help:
	@echo 'make run      build, install, start a server and the endpoint in target/cluster, play the tour'
	@echo 'make stop     stop that server'
	@echo 'make check    format, lints, layer rules, core tests, type check for 15 to 18'
	@echo 'make test     every test suite'
	@echo 'make soak     every test suite at full scale, and tables of a million items'
	@echo 'make bench    measure against hand-written SQL, tables of growing size, and other endpoints'
	@echo 'make install  build and install into the PostgreSQL of PG_CONFIG'
	@echo 'make package  a Debian package in target/'
	@echo 'make snapshot   keep the install script of this version in sql/snapshot'
	@echo 'make documents  write docs/errors.md and docs/operations.md'
	@echo 'make clean    stop the server and remove all of target/'

run:
	@scripts/run.sh
stop:
	@scripts/stop.sh
install:
	@scripts/install.sh
check:
	@scripts/check.sh
test:
	@scripts/test.sh
soak:
	@PG_DYNAMO_SOAK=1 scripts/test.sh
	@benches/scale/run
	@PG_DYNAMO_SOAK=1 benches/streams/run
bench:
	@benches/run
	@benches/scale/run
	@benches/ttl/run
	@benches/backups/run
	@benches/streams/run
	@benches/http/run
package:
	@scripts/package.sh
clean:
	@scripts/clean.sh
snapshot:
	@scripts/snapshot.sh
documents:
	@scripts/documents.sh
