# Base images made of what Debian's packages put on this machine, for where no public registry can be reached.
# Each is an OCI layout in the stack's folder, made once.
# shellcheck shell=bash

make_images() {
    make_image busybox 1 busybox_layers --config.cmd sh
    make_image jre 17 jre_layers --config.env JAVA_HOME=/opt/java --config.env PATH=/opt/java/bin:/usr/local/bin:/usr/bin:/bin
    make_image nginx 1 nginx_layers --config.cmd nginx --config.cmd=-g --config.cmd='daemon off;' \
        --config.env PATH=/usr/sbin:/usr/bin:/bin --config.exposedports 80/tcp --config.stopsignal SIGQUIT
}

# Each folder that the given function fills below $work/layers is one layer, in the order of their names.
make_image() {
    local name=$1 tag=$2 layers=$3 image=$stack/images/$1 work=$stack/images/$1.work layer
    shift 3
    [ -f "$image/done" ] && return
    rm -rf "$image" "$work"
    mkdir -p "$work/layers"
    "$layers" "$work/layers"
    umoci init --layout "$image"
    umoci new --image "$image:$tag"
    for layer in "$work"/layers/*; do
        tar -C "$layer" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$work/layer.tar" .
        umoci raw add-layer --image "$image:$tag" --history.comment "${layer##*-}" "$work/layer.tar"
    done
    umoci config --image "$image:$tag" --architecture "$(dpkg --print-architecture)" --os linux "$@"
    umoci gc --layout "$image"
    echo "$tag" >"$image/done"
    rm -rf "$work"
}

push_images() {
    local name
    for name in busybox jre nginx; do
        skopeo copy --quiet --dest-tls-verify=false "oci:$stack/images/$name:$(<"$stack/images/$name/done")" \
            "docker://127.0.0.1:$(<"$stack/run/registry.port")/base/$name:$(<"$stack/images/$name/done")"
    done
}

busybox_layers() {
    local to=$1/1-busybox name
    basic_files "$to"
    mkdir -p "$to/bin"
    cp "$(command -v busybox)" "$to/bin/busybox"
    copy_libraries "$to" "$to/bin/busybox" # none if it is static, as Debian's busybox-static is
    for name in $("$to/bin/busybox" --list); do
        [ "$name" = busybox ] || ln -s busybox "$to/bin/$name"
    done
}

# What Spring Boot's web stack needs of Java; java.desktop is there for java.beans.
jre_modules=java.base,java.desktop,java.instrument,java.logging,java.management,java.naming,java.net.http,java.security.jgss
jre_modules+=,java.security.sasl,java.sql,jdk.crypto.ec,jdk.httpserver,jdk.unsupported,jdk.zipfs

jre_layers() {
    local os=$1/1-debian java=$1/2-jre home
    home=$(jdk_home)
    mkdir -p "$java/opt"
    "$home/bin/jlink" --module-path "$home/jmods" --add-modules "$jre_modules" \
        --strip-java-debug-attributes --no-header-files --no-man-pages --output "$java/opt/java"
    # A service draws no windows and plays no sound; these would bring X11 and ALSA along.
    rm -f "$java"/opt/java/lib/lib{awt_xawt,fontmanager,freetype,javajpeg,jawt,jsound,lcms,splashscreen}.so
    basic_files "$os"
    copy_libraries "$os" "$java"/opt/java/bin/java "$java"/opt/java/lib/*.so "$java"/opt/java/lib/server/*.so
}

# Any JDK 17 of the machine that still has its modules.
jdk_home() {
    local home
    for home in ${JAVA_HOME:+"$JAVA_HOME"} /usr/lib/jvm/*17* "$(readlink -f "$(command -v javac)" | sed 's|/bin/javac$||')"; do
        [ -f "$home/jmods/java.base.jmod" ] && "$home/bin/javac" -version 2>&1 | grep -q ' 17\.' && echo "$home" && return
    done
    die "no JDK 17 with jmods: apt-get install openjdk-17-jdk-headless"
}

nginx_layers() {
    local os=$1/1-debian nginx=$1/2-nginx package=$stack/images/nginx.package
    rm -rf "$package"
    unpack_package nginx "$package"
    unpack_package nginx-common "$package"
    basic_files "$os"
    copy_libraries "$os" "$package/usr/sbin/nginx"
    mkdir -p "$nginx"/{etc/nginx/conf.d,usr/sbin,usr/share/nginx/html,var/lib/nginx,var/log/nginx,run}
    cp "$package/usr/sbin/nginx" "$nginx/usr/sbin/"
    cp "$package/etc/nginx/mime.types" "$nginx/etc/nginx/"
    echo '<p>Nothing here yet.</p>' >"$nginx/usr/share/nginx/html/index.html"
    cat >"$nginx/etc/nginx/nginx.conf" <<'NGINX'
user nobody nogroup;
worker_processes 1;
error_log stderr;
pid /run/nginx.pid;
events { worker_connections 256; }
http {
    include mime.types;
    access_log off;
    include conf.d/*.conf;
}
NGINX
    printf 'server {\n    listen 80;\n    root /usr/share/nginx/html;\n}\n' >"$nginx/etc/nginx/conf.d/default.conf"
    rm -rf "$package"
}

basic_files() {
    mkdir -p "$1"/{etc/ssl/certs,root,tmp}
    chmod 1777 "$1/tmp"
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$1/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$1/etc/group"
    cp -L /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"
}

# The libraries that these programs load, at the paths where their loader looks for them. A static program has none.
copy_libraries() {
    local to=$1 library
    shift
    # A program's own libraries (libjvm.so) are found beside it at run time: ldd knows no path or one inside.
    (ldd "$@" 2>/dev/null || true) | awk '{ for (i = 1; i <= NF; i++) if ($i ~ "^/(usr/)?lib.*[^:]$") print $i }' | sort -u | while read -r library; do
        install -D -m 755 "$library" "$to$library"
    done
}
