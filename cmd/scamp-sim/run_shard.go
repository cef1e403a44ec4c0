package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/gudtech/scamp-sim/sim/scenario"
)

// A scheduler is what runs the same job several times, and tells each in its environment which one it is.
type scheduler struct {
	name         string
	index, count string // variables
	first        uint64 // the index of the first job
	hint         string // where the value of a variable comes from that it does not set itself
}

// schedulers are those that --shard is taken from.
var schedulers = []scheduler{
	{"Kubernetes", "JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", 0, ", to the completions of the Job"},
	{"GitLab", "CI_NODE_INDEX", "CI_NODE_TOTAL", 1, ""},
	{"Buildkite", "BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0, ""},
	{"CircleCI", "CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0, ""},
	{"AWS Batch", "AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE", 0, ""},
	{"Cloud Run", "CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT", 0, ""},
}

// setShard takes the part from the flag, or from the environment. One job of one is no part.
func (f *runFlags) setShard(h *scenario.Header) error {
	if f.shard != "" {
		k, n, ok := parsePair(f.shard, "/")
		if !ok || k < 1 || k > n || n > mostSeeds {
			return fmt.Errorf("--shard %q is not a part such as 3/16", f.shard)
		}
		h.Shard, h.Shards = int(k), int(n)
		return nil
	}
	var from *scheduler
	for i := range schedulers {
		s := &schedulers[i]
		k, n, err := s.shard(os.Getenv(s.index), os.Getenv(s.count))
		switch {
		case err != nil:
			return err
		case n == 0:
		case from != nil && (k != h.Shard || n != h.Shards):
			return fmt.Errorf("%s and %s say that this is part %d/%d, %s and %s that it is part %d/%d: give --shard",
				from.index, from.count, h.Shard, h.Shards, s.index, s.count, k, n)
		default:
			from, h.Shard, h.Shards = s, k, n
		}
	}
	return nil
}

// shard is the part that the variables tell of, from 1; 0 of 0 if they tell of none.
func (s *scheduler) shard(index, count string) (k, n int, err error) {
	if index == "" && (count == "" || count == "1") { // GitLab sets the count of jobs that have no parts, too
		return 0, 0, nil
	}
	for _, v := range [][3]string{{index, s.index, s.count}, {count, s.count, s.index}} {
		if v[0] == "" {
			return 0, 0, fmt.Errorf("%s is set, and %s is not: set it as well%s, or give --shard", v[2], v[1], s.hint)
		}
	}
	i, e1 := strconv.ParseUint(index, 10, 31)
	all, e2 := strconv.ParseUint(count, 10, 31)
	if e1 != nil || e2 != nil || i < s.first || i-s.first >= all || all > mostSeeds {
		return 0, 0, fmt.Errorf("%s=%s of %s=%s is no part: with %s, the first is %d and the last %s; mend them, or give --shard",
			s.index, visible(index), s.count, visible(count), s.name, s.first, s.last())
	}
	if all == 1 {
		return 0, 0, nil
	}
	return int(i-s.first) + 1, int(all), nil
}

// last says which the last index is.
func (s *scheduler) last() string {
	if s.first == 0 {
		return "one less than " + s.count
	}
	return s.count
}
