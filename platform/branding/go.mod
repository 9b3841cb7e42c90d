module gatehouse.example/platform/branding

go 1.26.0
