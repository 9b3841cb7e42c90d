module gatehouse.example/cli

go 1.26.0
