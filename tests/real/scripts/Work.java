// Threads, collections, files, a child process, a memory map, garbage collection and an uncaught null pointer.
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

public class Work {
    static long sum(int from, int to) {
        return IntStream.range(from, to).asLongStream().map(x -> x * x % 7).sum();
    }

    public static void main(String[] arguments) throws Exception {
        var pool = Executors.newFixedThreadPool(4);
        List<Future<Long>> parts = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            int from = i * 10_000;
            parts.add(pool.submit(() -> sum(from, from + 10_000)));
        }
        long total = 0;
        for (var part : parts) total += part.get();
        pool.shutdown();
        System.out.println("threads " + total);

        Files.writeString(Path.of("written"), "from java\n");
        System.out.println("file " + Files.readString(Path.of("written")).strip());
        try (var file = new RandomAccessFile("mapped", "rw")) {
            file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, 4096).put(0, (byte) 'j');
        }
        var child = new ProcessBuilder("sh", "-c", "echo child; exit 3").start();
        System.out.println(new String(child.getInputStream().readAllBytes()).strip() + " " + child.waitFor());

        int kept = 0;
        for (int i = 0; i < 300; i++) kept += new byte[1 << 20].length >> 20;
        System.gc();
        System.out.println("allocated " + kept);
        try {
            System.out.println(((String) null).length());
        } catch (NullPointerException exception) {
            System.out.println("null pointer");
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
        System.exit(0);
    }
}
