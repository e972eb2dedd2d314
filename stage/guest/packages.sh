#!/bin/sh
# Debian's packages for the guest, by a private apt: nothing is installed on this machine, and nothing of it
# is changed. Where packages come from is what the machine's own sources name for its release.
#   packages.sh programs         those of the guest, with what they depend on: build/machine/packages/NAME/
#   packages.sh kernel FOLDER    the newest source of the kernel: FOLDER/unpacked, and FOLDER/version
#   packages.sh sources FOLDER   the sources that FOLDER/wanted names, NAME=VERSION in a line; FOLDER/missing, if any
set -eu
programs='bash coreutils dash diffutils grep mawk mount sed strace util-linux seabios'
keys=/usr/share/keyrings/debian-archive-keyring.gpg

place=$PWD/build/machine
apt=$place/apt
export APT_CONFIG="$apt/apt.conf"

# The machine's configuration, proxies and all, but with no folder of the machine's to write in, and nothing
# that other packages want done at an update. It is of no use afterwards, and large. $1 is deb-src, or not there.
configure() {
    trap 'rm -rf "$apt"' EXIT
    rm -rf "$apt"
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
    : >"$apt/state/status"
    unset APT_CONFIG
    apt-config dump | grep -Ev '^(APT::Architecture|DPkg::|APT::Update::|Acquire::IndexTargets::deb::DEP-11|Dir::(State|Cache|Etc::(main|parts|sourcelist|sourceparts|preferences)))' >"$apt/settings"
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(RELEASE)' 'Created-By: Packages' 'Component: main' |
        sort -u | while read -r address codename suite; do
        case $codename in
        "$release")
            echo "deb [arch=i386 signed-by=$keys] $address $suite main"
            [ -z "${1:-}" ] || echo "$1 [signed-by=$keys] $address $suite main"
            ;;
        "$release-security") echo "deb [arch=$(dpkg --print-architecture) signed-by=$keys] $address $suite main" ;;
        esac
    done >"$apt/sources.list"
    grep -q arch=i386 "$apt/sources.list" || {
        echo "apt knows no packages of $release: run apt-get update (as root)"
        exit 1
    }
    cat "$apt/settings" - >"$apt/apt.conf" <<END
Dir::Etc::main "/dev/null"; Dir::Etc::parts "/dev/null"; Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null"; Dir::Etc::sourcelist "$apt/sources.list"; Dir::Etc::sourceparts "/dev/null";
Dir::State "$apt/state"; Dir::State::status "$apt/state/status"; Dir::Cache "$apt/cache";
APT::Architecture "i386"; APT::Architectures { "i386"; "$(dpkg --print-architecture)"; };
APT::Sandbox::User "root"; Acquire::Languages "none"; Debug::NoLocking "true";
END
    export APT_CONFIG="$apt/apt.conf"
    apt-get -qq update --error-on=any
}

# Whole packages, each in a folder of its own, so that one sees what is whose.
programs() {
    configure
    rm -rf "$place/packages.new"
    mkdir "$place/packages.new"
    # shellcheck disable=SC2086 # several words
    apt-get -qq --download-only --no-install-recommends install $programs
    for file in "$apt"/cache/archives/*.deb; do
        name=$(dpkg-deb -f "$file" Package)
        dpkg-deb -x "$file" "$place/packages.new/$name"
        dpkg-deb -W --showformat '${Package} ${Version} ${source:Package} ${source:Version}\n' "$file"
    done >"$apt/list"
    mv "$apt/list" "$place/packages.new/list"
    rm -rf "$place/packages"
    mv "$place/packages.new" "$place/packages"
    rm -f "$apt"/cache/archives/*.deb
}

kernel() {
    configure
    name=$(apt-cache depends linux-source | sed -n 's/.*Depends: //p') # there may be those of later releases
    cd "$1"
    apt-get -qq download "$name"
    dpkg-deb -f "$name"_*.deb Version >version
    dpkg-deb -x "$name"_*.deb unpacked
    rm "$name"_*.deb
}

sources() {
    configure deb-src
    cd "$1"
    while read -r one; do
        apt-get -qq --only-source --download-only source "$one" </dev/null || echo "$one" >>missing
    done <wanted
    rm wanted
}

"$@"
