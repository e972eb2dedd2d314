#!/bin/sh
# Compile the kernel of the guest anew, from Debian's source and kernel.config: build/machine/vmlinuz. What it was
# made from stays beside it, for those who publish it: kernel.config, and linux-source-SERIES_VERSION.tar.xz.
set -eu
here=$PWD/stage/guest
cd build/machine
made=$PWD
new=$made/kernel.new
rm -rf "$new"
case $new in
*[[:space:]:]*) # the kernel refuses to be compiled below such a name
    new=$(mktemp -d /var/tmp/ipc-course-kernel.XXXXXX)
    trap 'rm -rf "$new"' EXIT
    ;;
*) mkdir "$new" ;;
esac

# The newest source that has been fetched before, is installed, or can be fetched.
kept() { find . -maxdepth 1 -name 'linux-source-*.tar.xz' | sort -V | tail -n 1; }
keep() {
    mv "$1" source.new # from another file system, perhaps
    mv source.new "$(basename "$1" .tar.xz)_$2.tar.xz"
}
if [ -z "$(kept)" ]; then
    installed=$(find /usr/src -maxdepth 1 -name 'linux-source-*.tar.xz' | sort -V | tail -n 1)
    if [ "$installed" ]; then
        cp "$installed" "$new/"
        keep "$new/$(basename "$installed")" "$(dpkg-query -W -f '${Version}' "$(basename "$installed" .tar.xz)")"
    else
        (cd ../.. && sh "$here/packages.sh" kernel "$new")
        keep "$new"/unpacked/usr/src/linux-source-*.tar.xz "$(cat "$new/version")"
    fi
fi
# Two thirds of it are of no use here, and take their time to write.
tar -C "$new" --exclude='*/arch/[!x]*.[chS]' --exclude='*/arch/*.dts*' --exclude='*/Documentation/*/*' \
    --exclude='*/drivers/gpu/*.[ch]' --exclude='*/drivers/net/*/*.[ch]' --exclude='*/sound/*.[ch]' \
    --exclude='*/tools/testing/*' -xf "$(kept)"
cd "$new"/linux-source-*/

# The caller's settings are not ours; who made it, where and when, is the same for everybody.
alone() {
    env -i PATH="$PATH" TMPDIR="$new" LC_ALL=C KBUILD_BUILD_USER=course KBUILD_BUILD_HOST=classroom \
        KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 2026' KBUILD_BUILD_VERSION=1 "$@"
}
alone make -s ARCH=i386 tinyconfig
cp "$here/kernel.config" asked
alone sh scripts/kconfig/merge_config.sh -m .config asked
alone make -s ARCH=i386 olddefconfig

# What is asked for must be there; a name that this version does not know is one of another version.
known() { grep -rqE --include='Kconfig*' "^[[:blank:]]*(menu)?config ${1#CONFIG_}\$" .; }
while read -r first option more; do
    case $first in
    CONFIG_*) grep -qxF "$first" .config || ! known "${first%%=*}" ;;
    *) [ "$more" != 'is not set' ] || ! grep -qx "$option=y" .config ;;
    esac || {
        echo "kernel.config asks for \"$first ${option-} ${more-}\", and this kernel has it otherwise"
        exit 1
    }
done <asked
alone make -s ARCH=i386 -j"$(getconf _NPROCESSORS_ONLN)" bzImage

cp .config "$made/config.new"
cp arch/x86/boot/bzImage "$made/vmlinuz.new"
cd "$made"
mv config.new kernel.config
mv vmlinuz.new vmlinuz
rm -rf "$new"
