module github.com/gudtech/scamp-sim/bench

go 1.25.0

require github.com/gudtech/scamp-sim v0.0.0

replace github.com/gudtech/scamp-sim => ../
