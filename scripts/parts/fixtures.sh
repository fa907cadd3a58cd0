# The jars that the tests put into images, built from the sources in tests/fixtures and ci-examples into the stack's folder.
# shellcheck shell=bash

make_fixtures() {
    local into=$stack/fixtures
    fresh "$into/spring-boot" ci-examples/spring-boot || package_boot_4 "$into/spring-boot"
    fresh "$into/boot-2.7" tests/fixtures/boot-2.7 ci-examples/spring-boot || package_boot_2 "$into/boot-2.7"
    fresh "$into/plain-jar" tests/fixtures/plain-jar || package_plain "$into/plain-jar"
}

# Whether the folder was made from these sources as they are now; if not, empties it and notes them.
fresh() {
    local into=$1 now
    shift
    now=$(cd "$root" && find "$@" -type f -not -path '*/target/*' -print0 | sort -z | xargs -0 sha256sum)
    [ "$(cat "$into/made-from" 2>/dev/null)" = "$now" ] && [ -f "$into/made" ] && return
    rm -rf "$into" && mkdir -p "$into"
    echo "$now" >"$into/made-from"
    return 1
}

maven() { mvn -q -B -Dstyle.color=never "$@"; }

# app.jar: layers.idx, the launcher's new name.
package_boot_4() {
    cp -r "$root/ci-examples/spring-boot/." "$1/source"
    maven -f "$1/source/pom.xml" clean package
    mv "$1/source/target/app.jar" "$1/app.jar"
    rm -rf "$1/source" && touch "$1/made"
}

# boot-layers.jar and boot-no-layers.jar: the launcher's old name.
package_boot_2() {
    maven -f "$root/tests/fixtures/boot-2.7/pom.xml" "-Dinto=$1/target" package
    mv "$1"/target/boot-*layers.jar "$1/"
    rm -rf "$1/target" && touch "$1/made"
}

# server.jar, which finds lib/greeting.jar through its manifest's Class-Path.
package_plain() {
    local from=$root/tests/fixtures/plain-jar date=(--date=1980-02-01T00:00:00Z)
    mkdir -p "$1/lib" "$1/classes/lib" "$1/classes/app"
    javac --release 17 -d "$1/classes/lib" "$from/lib/com/example/Greeting.java"
    javac --release 17 -cp "$1/classes/lib" -d "$1/classes/app" "$from/app/com/example/Server.java"
    jar --create "${date[@]}" --file "$1/lib/greeting.jar" -C "$1/classes/lib" .
    jar --create "${date[@]}" --file "$1/server.jar" --manifest "$from/manifest.txt" -C "$1/classes/app" .
    rm -rf "$1/classes" && touch "$1/made"
}
