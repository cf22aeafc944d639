// Goroutines that make calls while others compute, so that signals preempt them at any place.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	workers = 8
	calls   = 3000
)

var sum, grown atomic.Int64

// Needs more stack than it has, so the stack moves under it, calls included.
func grow(depth int, file *os.File) int {
	var bytes [256]byte
	if depth == 0 {
		if _, err := file.Seek(0, 1); err != nil {
			panic(err)
		}
		return syscall.Getppid()
	}
	bytes[depth%256] = byte(depth)
	return grow(depth-1, file) + int(bytes[(depth+1)%256])
}

func compute(stop *atomic.Bool) {
	for number := int64(1); !stop.Load(); number++ {
		for i := int64(0); i < 100000; i++ {
			number = number*6364136223846793005 + 1442695040888963407
		}
		sum.Add(number & 1)
	}
}

func work(file *os.File, pipe [2]*os.File, parent int, group *sync.WaitGroup) {
	defer group.Done()
	defer func() {
		if recover() == nil {
			panic("nothing was thrown")
		}
	}()
	buffer := make([]byte, 1)
	for i := 0; i < calls; i++ {
		if syscall.Getppid() != parent {
			panic("another parent")
		}
		buffer[0] = byte(i)
		if _, err := pipe[1].Write(buffer); err != nil {
			panic(err)
		}
		if _, err := pipe[0].Read(buffer); err != nil || buffer[0] != byte(i) {
			fmt.Println("a byte was lost", err)
			os.Exit(1)
		}
		if i%100 == 0 {
			done := make(chan int)
			go func() { done <- grow(i%500, file) }()
			if <-done != parent {
				fmt.Println("a result was lost")
				os.Exit(1)
			}
			grown.Add(1)
			time.Sleep(time.Microsecond)
		}
	}
	panic("the end")
}

func main() {
	var stop atomic.Bool
	var group sync.WaitGroup
	file, err := os.Open(os.Args[0])
	if err != nil {
		panic(err)
	}
	for i := 0; i < runtime.NumCPU(); i++ {
		go compute(&stop)
	}
	for i := 0; i < workers; i++ {
		read, write, err := os.Pipe()
		if err != nil {
			panic(err)
		}
		group.Add(1)
		go work(file, [2]*os.File{read, write}, syscall.Getppid(), &group)
	}
	group.Wait()
	stop.Store(true)
	if _, err := os.Stat("/no/such/file"); !os.IsNotExist(err) {
		panic(err)
	}
	fmt.Println(workers*calls, "bytes went through,", grown.Load(), "stacks grew")
}
