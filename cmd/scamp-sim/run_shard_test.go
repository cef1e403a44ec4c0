package main

import (
	"strings"
	"testing"

	"github.com/gudtech/scamp-sim/sim/scenario"
)

// What schedulers say of the part, each in its own way of counting.
func TestShardOfSchedulers(t *testing.T) {
	for _, tc := range []struct {
		env, flag string
		k, n      int
		wrong     string // words of the error
	}{
		{"", "", 0, 0, ""},
		{"", "3/16", 3, 16, ""},
		{"JOB_COMPLETION_INDEX=0 JOB_COMPLETIONS=16", "", 1, 16, ""},
		{"JOB_COMPLETION_INDEX=15 JOB_COMPLETIONS=16", "", 16, 16, ""},
		{"JOB_COMPLETION_INDEX=16 JOB_COMPLETIONS=16", "", 0, 0, "JOB_COMPLETION_INDEX=16 of JOB_COMPLETIONS=16 is no part: with Kubernetes, the first is 0 and the last one less than JOB_COMPLETIONS"},
		{"JOB_COMPLETION_INDEX=3", "", 0, 0, "JOB_COMPLETION_INDEX is set, and JOB_COMPLETIONS is not: set it as well, to the completions of the Job, or give --shard"},
		{"JOB_COMPLETIONS=3", "", 0, 0, "JOB_COMPLETIONS is set, and JOB_COMPLETION_INDEX is not"},
		{"CI_NODE_INDEX=1 CI_NODE_TOTAL=4", "", 1, 4, ""},
		{"CI_NODE_INDEX=4 CI_NODE_TOTAL=4", "", 4, 4, ""},
		{"CI_NODE_INDEX=0 CI_NODE_TOTAL=4", "", 0, 0, "with GitLab, the first is 1 and the last CI_NODE_TOTAL"},
		{"CI_NODE_INDEX=5 CI_NODE_TOTAL=4", "", 0, 0, "is no part"},
		{"CI_NODE_TOTAL=1", "", 0, 0, ""}, // every job of GitLab
		{"CIRCLE_NODE_INDEX=0 CIRCLE_NODE_TOTAL=1", "", 0, 0, ""},
		{"CIRCLE_NODE_INDEX=1 CIRCLE_NODE_TOTAL=2", "", 2, 2, ""},
		{"BUILDKITE_PARALLEL_JOB=0 BUILDKITE_PARALLEL_JOB_COUNT=2", "", 1, 2, ""},
		{"AWS_BATCH_JOB_ARRAY_INDEX=9 AWS_BATCH_JOB_ARRAY_SIZE=10", "", 10, 10, ""},
		{"CLOUD_RUN_TASK_INDEX=2 CLOUD_RUN_TASK_COUNT=10", "", 3, 10, ""},
		{"CLOUD_RUN_TASK_INDEX=two CLOUD_RUN_TASK_COUNT=10", "", 0, 0, "is no part"},
		{"CLOUD_RUN_TASK_INDEX=-1 CLOUD_RUN_TASK_COUNT=10", "", 0, 0, "is no part"},
		{"CLOUD_RUN_TASK_INDEX=0 CLOUD_RUN_TASK_COUNT=0", "", 0, 0, "is no part"},
		{"CLOUD_RUN_TASK_INDEX=0 CLOUD_RUN_TASK_COUNT=99999999999", "", 0, 0, "is no part"},
		{"CI_NODE_INDEX=3 CI_NODE_TOTAL=4 JOB_COMPLETION_INDEX=2 JOB_COMPLETIONS=4", "", 3, 4, ""},
		{"CI_NODE_INDEX=2 CI_NODE_TOTAL=4 JOB_COMPLETION_INDEX=2 JOB_COMPLETIONS=4", "", 0, 0, "that this is part 3/4, CI_NODE_INDEX and CI_NODE_TOTAL that it is part 2/4: give --shard"},
		{"CI_NODE_INDEX=2 CI_NODE_TOTAL=4 JOB_COMPLETION_INDEX=2", "1/7", 1, 7, ""}, // the flag counts
	} {
		t.Run(tc.env, func(t *testing.T) {
			for _, v := range strings.Fields(tc.env) {
				name, value, _ := strings.Cut(v, "=")
				t.Setenv(name, value)
			}
			var h scenario.Header
			err := (&runFlags{shard: tc.flag}).setShard(&h)
			switch {
			case tc.wrong == "" && (err != nil || h.Shard != tc.k || h.Shards != tc.n):
				t.Errorf("%d/%d, %v", h.Shard, h.Shards, err)
			case tc.wrong != "" && (err == nil || !strings.Contains(err.Error(), tc.wrong)):
				t.Errorf("%v, not %s", err, tc.wrong)
			}
		})
	}
}
