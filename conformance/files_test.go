package conformance

import (
	"errors"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gudtech/scamp-sim/conformance/calling"
	"github.com/gudtech/scamp-sim/sim/simnet"
)

// The cache stays fresh by itself, two versions of a file never have one time, and what a case says of an age holds for good.
func TestFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f files
		if _, err := f.Open(calling.Cache); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		at := func(name string) time.Time {
			t.Helper()
			info, err := fs.Stat(&f, name)
			if err != nil {
				t.Fatal(err)
			}
			return info.ModTime()
		}
		f.write(calling.Cache, "one")
		first := at(calling.Cache)
		f.write(calling.Cache, "three")
		if text, err := fs.ReadFile(&f, calling.Cache); err != nil || string(text) != "three" {
			t.Errorf("%q, %v", text, err)
		}
		if !at(calling.Cache).After(first) {
			t.Error("two versions have one time")
		}
		f.write(calling.Config, "x")
		written := at(calling.Config)
		simnet.Sleep(time.Minute)
		if age := time.Since(at(calling.Cache)); age > refresh {
			t.Errorf("the cache is %v old", age)
		}
		if at(calling.Config) != written {
			t.Error("a file that nobody has written has another time")
		}
		f.age(calling.Cache, 3*time.Minute)
		simnet.Sleep(time.Minute)
		if age := time.Since(at(calling.Cache)); age != 4*time.Minute {
			t.Errorf("the cache is %v old", age)
		}
		f.remove(calling.Cache)
		if _, err := f.Open(calling.Cache); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}
