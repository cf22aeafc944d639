# Makes a release the current one by a link, or by a copy on Windows.
on_windows() {
    case "$(uname -s)" in
        MINGW* | MSYS* | CYGWIN*) return 0 ;;
    esac
    return 1
}
mkdir release
echo 1 >release/version
if on_windows; then cp -r release current; else ln -s release current; fi
cat current/version
