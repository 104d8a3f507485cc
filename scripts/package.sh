#!/usr/bin/env bash
# make package: target/postgresql-MAJOR-pg-dynamo_VERSION_ARCH.deb
set -euo pipefail
. "$(dirname "$0")/lib.sh"
command -v dpkg-deb >/dev/null || die "dpkg-deb is missing: packages can only be made on Debian or its kin"
"$ROOT/scripts/install.sh" --stage-only
use_postgres
VERSION=$(staged_version)
NAME=postgresql-$PG_MAJOR-pg-dynamo
TREE=$ROOT/target/deb
DEB=$ROOT/target/${NAME}_${VERSION}_$(dpkg --print-architecture).deb
say "Packing $NAME $VERSION"
rm -rf "$TREE"
mkdir -p "$TREE/DEBIAN" "$TREE/usr/share/doc/$NAME"
cp -a "$STAGE/." "$TREE/"
for file in LICENSE CHANGELOG.md README.md; do
    if [ -e "$ROOT/$file" ]; then cp "$ROOT/$file" "$TREE/usr/share/doc/$NAME/"; fi
done
mv "$TREE/usr/share/doc/$NAME/LICENSE" "$TREE/usr/share/doc/$NAME/copyright"
mapfile -t binaries < <(find "$TREE" -name "$EXTENSION.so" -o -name "$GATEWAY")
strip --strip-unneeded "${binaries[@]}"
# The newest symbol version that library and program ask of libc.
libc=$(objdump -T "${binaries[@]}" | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -n 1)
cat >"$TREE/DEBIAN/control" <<CONTROL
Package: $NAME
Version: $VERSION
Architecture: $(dpkg --print-architecture)
Maintainer: pg_dynamo developers <pg_dynamo@localhost>
Depends: postgresql-$PG_MAJOR, libc6 (>= ${libc#GLIBC_}), libgcc-s1
Section: database
Priority: optional
Installed-Size: $(du -sk "$TREE" | cut -f1)
Description: DynamoDB's semantics inside PostgreSQL $PG_MAJOR
 Tables, items, expressions and the API's operations as SQL functions: after
 CREATE EXTENSION pg_dynamo, items live in native tables beside all others.
 pg_dynamo_gateway is the HTTP endpoint for AWS SDKs.
CONTROL
find "$TREE" -type d -exec chmod 755 {} +
find "$TREE" -type f -exec chmod 644 {} +
find "$TREE" -name "$GATEWAY" -exec chmod 755 {} +
dpkg-deb --build --root-owner-group "$TREE" "$DEB" >/dev/null
rm -rf "$TREE"
say "Wrote ${DEB#"$ROOT/"}"
dpkg-deb --contents "$DEB" | awk '{ print "    " $6 }' | grep -v '/$'
