# Here-documents and here-strings, small ones through a pipe and large ones through a file.
x=value
cat <<END
expanded $x $(echo command) $((6 * 7))
END
cat <<'END'
literal $x
END
cat <<-END
	indented
	END
cat <<A; cat <<B
first
A
second
B
cat <<<"string $x"
big=$(head -c 200000 /dev/zero | tr '\0' y)
wc -c <<<"$big"
cat <<END | sha1sum
$big
END
while read -r -u 3 line; do echo "read $line"; done 3<<END
a
b
END
