# Median, 99th percentile and maximum of sorted milliseconds.
function at(q, i)
{
	i = int(q * NR + 0.999999)
	return value[i < 1 ? 1 : i]
}
{ value[NR] = $1 }
END {
	if (NR == 0)
		print "none"
	else
		printf "%d times: median %.0f ms, 99th percentile %.0f ms, maximum %.0f ms\n", NR, at(0.5), at(0.99), value[NR]
}
